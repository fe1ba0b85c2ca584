// Plain `ws`: a loop of `send`, as its documentation broadcasts.
import { WebSocket, WebSocketServer } from "ws";
import { payload, serve } from "./serve.mjs";

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, backlog: 4096, perMessageDeflate: false });
const message = Buffer.from(payload);

server.on("connection", (socket) => socket.on("error", () => socket.terminate()));
server.on("listening", () => {
  serve(server.address().port, (messages) => {
    for (let sent = 0; sent < messages; sent += 1) {
      for (const client of server.clients) {
        if (client.readyState === WebSocket.OPEN) client.send(message, { binary: false });
      }
    }
  });
});
