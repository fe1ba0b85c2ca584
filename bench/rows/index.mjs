// The rows of the benchmark, in the order of the document. Each has a name, `run`, which measures and returns what is
// kept, and `report`, which says it.
import * as batch from "./batch.mjs";
import * as calls from "./calls.mjs";
import * as coalescing from "./coalescing.mjs";
import * as connect from "./connect.mjs";
import * as crowd from "./crowd.mjs";
import * as fanOut from "./fan-out.mjs";
import * as groups from "./groups.mjs";
import * as latency from "./latency.mjs";
import * as memory from "./memory.mjs";
import * as scale from "./scale.mjs";
import * as workers from "./workers.mjs";

export const rows = [
  ...[fanOut, coalescing, groups, calls, batch, latency],
  ...[scale, memory, connect, crowd, workers],
];
