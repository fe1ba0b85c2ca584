// Where this process's CPU goes, by the sampling profiler of V8.
import { Session } from "node:inspector/promises";

/** Starts a profile. @returns a function that ends it, and tells the share of each kind of work in what was not idle. */
export async function startProfile() {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: 200 });
  await session.post("Profiler.start");
  return async () => {
    const { profile } = await session.post("Profiler.stop");
    session.disconnect();
    return shares(profile);
  };
}

function shares({ nodes, samples, timeDeltas }) {
  const kinds = new Map(nodes.map(({ id, callFrame }) => [id, kindOf(callFrame)]));
  const spent = {};
  let total = 0;
  for (const [at, id] of samples.entries()) {
    const kind = kinds.get(id);
    if (kind === "idle") continue;
    spent[kind] = (spent[kind] ?? 0) + timeDeltas[at];
    total += timeDeltas[at];
  }
  return Object.fromEntries(Object.entries(spent).map(([kind, time]) => [kind, time / total]));
}

/** What a function that is on top of the stack does. */
function kindOf({ functionName, url }) {
  if (functionName === "(idle)") return "idle";
  if (functionName === "(garbage collector)") return "garbage collection";
  if (url === "" && /^write(Buffer|v|Utf8String|Latin1String)$/.test(functionName))
    return "write, in the kernel";
  if (url.startsWith("node:") || url === "") return "Node.js";
  if (url.includes("/node_modules/ws/")) return "ws";
  if (url.includes("/node_modules/")) return "libraries";
  return "websocket-center";
}
