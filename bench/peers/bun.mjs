// Bun's own server, run by Bun: everybody subscribes to a topic, and the server publishes to it.
import { payload, serve } from "./serve.mjs";

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request, bun) => (bun.upgrade(request) ? undefined : new Response("no upgrade", { status: 400 })),
  websocket: {
    perMessageDeflate: false,
    idleTimeout: 960,
    sendPings: false,
    open: (socket) => socket.subscribe("everybody"),
    message: () => {},
  },
});
serve(server.port, (messages) => {
  for (let sent = 0; sent < messages; sent += 1) server.publish("everybody", payload);
});
