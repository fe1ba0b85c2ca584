import type { OpsLiveLine, OpsPoint } from "@websocket-center/protocol";
import type { Access } from "../../http/access.js";
import type { Routes } from "../../http/routes.js";
import type { Operations } from "../operations/operations.js";
import type { Sampled } from "../operations/sampler.js";
import type { OpenStreams } from "./open-streams.js";
import { accessOf } from "./ops-access.js";

/** `GET /ops/live`: a line each second. What is the same for all who look is made once. */
export function liveRoutes(operations: Operations, streams: OpenStreams, access: Access): Routes {
  const { sampler } = operations;
  let made: { point: OpsPoint; text: string } | undefined;
  const stateText = (point: OpsPoint): string => {
    if (made?.point !== point) made = { point, text: JSON.stringify(operations.state()) };
    return made.text;
  };
  const line = ({ point, isKept }: Sampled, shown: OpsLiveLine["state"]["access"]): string =>
    `{"state":{"access":${JSON.stringify(shown)},${stateText(point).slice(1)},"point":${JSON.stringify(point)},"isKept":${isKept}}`;
  return {
    "/ops/live": streams.route("/ops/live", ({ principal }) => (stream) => {
      const shown = accessOf(access, principal);
      const tell = (sampled: Sampled): void => {
        // Who reads slowly gets fewer lines, and the newest.
        if (!stream.isBehind) stream.push(line(sampled, shown));
      };
      const { latest } = sampler;
      if (latest !== undefined) tell({ point: latest, isKept: false });
      stream.onClose(sampler.look(tell));
    }),
  };
}
