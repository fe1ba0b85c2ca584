// This project: a node with its defaults, and `hub.broadcast`.
import { createNode, createSilentLogger } from "websocket-center";
import { payload, serve } from "./serve.mjs";

const node = createNode(
  { port: 0, centers: [], ...JSON.parse(process.argv[2] ?? "{}") },
  { log: createSilentLogger() },
);
await node.start();
serve(Number(node.addresses.client.split(":").at(-1)), (messages) => {
  for (let sent = 0; sent < messages; sent += 1) node.hub.broadcast({ message: payload });
});
