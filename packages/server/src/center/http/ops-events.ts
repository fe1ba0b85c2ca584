import { centerEventTypes, nodeEventTypes } from "@websocket-center/protocol";
import { CenterError } from "../../errors.js";
import type { QueryMap } from "../../http/query.js";
import type { Routes } from "../../http/routes.js";
import { type EventFeed, EVENTS_A_TURN, shownOf, skippedLine } from "../operations/event-feed.js";
import type { OpenStreams } from "./open-streams.js";
import { textParam } from "./read-query.js";

const allTypes: ReadonlySet<string> = new Set([...nodeEventTypes, ...centerEventTypes]);

/** `GET /ops/events`: what happens in the cluster, sampled where there is more than a person can read. */
export function eventRoutes(feed: EventFeed, streams: OpenStreams): Routes {
  return {
    "/ops/events": streams.route("/ops/events", ({ query }) => {
      const types = typesOf(query);
      return (stream) => {
        /** Of turns for which there was no room, since the caller does not read. */
        let missed: Record<string, number> = {};
        const stop = feed.read((turn) => {
          const lines = shownOf(turn, types, stream.isFull ? 0 : EVENTS_A_TURN);
          if (stream.isFull) {
            for (const line of lines) if (line.kind === "skipped") missed = sumOf(missed, line.counts);
            return;
          }
          if (Object.keys(missed).length > 0) stream.push(JSON.stringify(skippedLine(missed)));
          missed = {};
          for (const line of lines) stream.push(JSON.stringify(line));
        });
        stream.onClose(stop);
      };
    }),
  };
}

function sumOf(one: Record<string, number>, other: Record<string, number>): Record<string, number> {
  const sums = { ...one };
  for (const [type, count] of Object.entries(other)) sums[type] = (sums[type] ?? 0) + count;
  return sums;
}

function typesOf(query: QueryMap): ReadonlySet<string> | undefined {
  const text = textParam(query, "types");
  if (text === undefined) return undefined;
  const types = text.split(",");
  if (types.every((type) => allTypes.has(type))) return new Set(types);
  throw new CenterError("INVALID_PARAMS", `types: expected some of ${[...allTypes].join(",")}`);
}
