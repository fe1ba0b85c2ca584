import {
  type CommandName,
  commands as commandTable,
  HUB_SERVICE,
  type ServiceInfo,
} from "@websocket-center/protocol";
import { paramsSchema, resultSchema } from "./service.js";

let hub: ServiceInfo | undefined;

/** The hub as a service; its schemas are made when somebody asks first. */
export function hubService(): ServiceInfo {
  hub ??= {
    name: HUB_SERVICE,
    metadata: {},
    methods: (Object.keys(commandTable) as CommandName[]).map((name) => ({
      name,
      doc: commandTable[name].doc,
      scope: commandTable[name].scope,
      params: paramsSchema(commandTable[name].params),
      result: resultSchema(commandTable[name].result),
    })),
  };
  return hub;
}
