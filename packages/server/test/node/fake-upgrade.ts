import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { WebSocketNode } from "../../src/index.js";

/** Makes `socket` a client of a mounted node, without any network. */
export function upgradeTo(node: WebSocketNode, socket: Duplex): void {
  const request = new IncomingMessage(new Socket());
  request.method = "GET";
  request.url = "/";
  Object.assign(request.headers, {
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-version": "13",
  });
  node.handleUpgrade(request, socket, Buffer.alloc(0));
}
