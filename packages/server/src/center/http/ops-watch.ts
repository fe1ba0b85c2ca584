import type { OpsWatchLine } from "@websocket-center/protocol";
import type { Routes } from "../../http/routes.js";
import type { OperatedNodes } from "../operations/operations.js";
import { Watch, type Watched } from "../operations/watch.js";
import type { LineStream } from "./line-stream.js";
import type { OpenStreams } from "./open-streams.js";
import { unknownConnection } from "./ops-listings.js";
import { numberParam, oneOfParams } from "./read-query.js";

const MAX_SECONDS = 600;
const DEFAULT_SECONDS = 60;

/** `GET /ops/watch`: what happens to each frame of a connection or user, for a while. */
export function watchRoutes(
  nodes: OperatedNodes,
  streams: OpenStreams,
  onFault: (error: unknown) => void,
): Routes {
  return {
    "/ops/watch": streams.route("/ops/watch", ({ query }) => {
      const { name, value } = oneOfParams(query, ["connectionId", "userId"]);
      const range = { min: 1, max: MAX_SECONDS, byDefault: DEFAULT_SECONDS };
      const seconds = numberParam(query, "seconds", range);
      const isUser = name === "userId";
      if (!isUser && nodes.nodeOf(value) === undefined) throw unknownConnection();
      const watched: Watched = isUser ? { userId: value } : { connectionId: value };
      return (stream) => {
        const watch = new Watch(nodes, watched, { onLine: pushing(stream), onFault });
        const timer = setTimeout(() => {
          stream.push(JSON.stringify({ kind: "end" } satisfies OpsWatchLine));
          stream.end();
        }, seconds * 1000);
        stream.onClose(() => {
          clearTimeout(timer);
          watch.close();
        });
        watch.start();
      };
    }),
  };
}

/** What does not fit, since the caller does not read, is counted and told when there is room again. */
function pushing(stream: LineStream): (line: OpsWatchLine) => void {
  const left = new Map<string, Record<string, number>>();
  return (line) => {
    if (line.kind === "end") return;
    if (!stream.isFull) {
      for (const [nodeId, counts] of left) {
        stream.push(JSON.stringify({ kind: "skipped", nodeId, counts } satisfies OpsWatchLine));
      }
      left.clear();
      stream.push(JSON.stringify(line));
      return;
    }
    const counts = left.get(line.nodeId) ?? {};
    left.set(line.nodeId, counts);
    const more = line.kind === "frame" ? { [line.event.type]: 1 } : line.counts;
    for (const [type, count] of Object.entries(more)) counts[type] = (counts[type] ?? 0) + count;
  };
}
