import { describe } from "vitest";
import { mountedApplicationSuite } from "../../mounted-application.js";

const file = new URL("../mount-http.mjs", import.meta.url);

describe("a center and nodes in a server of node:http", () => {
  mountedApplicationSuite(file);
});
