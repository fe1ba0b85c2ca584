// What the sockets of a node cost by themselves: the bare loop (node-loop.mjs) writes to them, and the node does not.
import { subscribe } from "node:diagnostics_channel";
import { createNode, createSilentLogger } from "websocket-center";
import { serve } from "./serve.mjs";
import { writeToAll } from "./raw-sockets.mjs";

const sockets = [];
subscribe("net.server.socket", ({ socket }) => sockets.push(socket));
const node = createNode({ port: 0, centers: [] }, { log: createSilentLogger() });
await node.start();

serve(Number(node.addresses.client.split(":").at(-1)), writeToAll(sockets));
