// Socket.IO 4: WebSocket only, no compression, and without the reference to each handshake request, as its pages on
// performance advise.
import { createServer } from "node:http";
import { Server } from "socket.io";
import { payload, serve } from "./serve.mjs";

const http = createServer();
const io = new Server(http, { transports: ["websocket"], perMessageDeflate: false, serveClient: false });
io.engine.on("connection", (rawSocket) => {
  rawSocket.request = null;
});
// The frame is 42["m","..."]: ten bytes of it are not the message.
const message = payload.slice(10);

http.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => {
  serve(http.address().port, (messages) => {
    for (let sent = 0; sent < messages; sent += 1) io.emit("m", message);
  });
});
