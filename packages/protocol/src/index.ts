export * from "./classic-events.js";
export * from "./close-codes.js";
export * from "./commands.js";
export * from "./errors.js";
export * from "./ids.js";
export * from "./link.js";
export * from "./merge.js";
export * from "./version.js";
