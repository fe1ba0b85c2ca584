// A center and two nodes inside one Express 5 application, beside its own routes.
//
//   node mount-express.mjs
//   curl http://127.0.0.1:8080/                                               the application
//   ws://127.0.0.1:8080/ws/news and ws://127.0.0.1:8080/ws/chat               the nodes
//   curl -g 'http://127.0.0.1:8080/center/?event=broadcast&broadcast[msg]=hi' the center
//   curl 'http://127.0.0.1:8080/node/chat/?event=getConnectionCount'          one node's own API
import express from "express";
import { createCenter, createNode } from "websocket-center";

const { LINK_PORT = 8010, PORT = 8080, TOKEN, TRUSTED_PROXIES } = process.env;
const options = { token: TOKEN?.split(",") ?? [], trustedProxies: TRUSTED_PROXIES?.split(",") ?? [] };
const center = createCenter({ linkPort: Number(LINK_PORT), ...options }, { mounted: true });
const [news, chat] = ["news", "chat"].map((name) =>
  createNode(
    { publicUrl: `ws://127.0.0.1:${PORT}/ws/${name}`, centers: [String(LINK_PORT)], ...options },
    { mounted: true },
  ),
);

const app = express();
// Before body parsers: then bodies are read as the API defines them, whatever their content type.
app.use("/center", center.handleRequest);
app.use("/node/news", news.handleRequest);
app.use(express.json());
// After one, what it has parsed is used.
app.use("/node/chat", chat.handleRequest);
app.get("/", (_request, response) => response.send("the application's own page\n"));
app.post("/echo", (request, response) => response.json(request.body));

for (const part of [center, news, chat]) await part.start();
const server = app.listen(Number(PORT), "127.0.0.1", () =>
  console.log(`listening on http://127.0.0.1:${PORT}/`),
);
news.attach(server, { path: "/ws/news" });
chat.attach(server, { path: "/ws/chat" });
server.on("upgrade", (request, socket) => {
  // Nobody else takes upgrades here: refuse those that no node takes.
  if (!request.url.startsWith("/ws/")) socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
});

async function stop() {
  await Promise.all([news.drain(), chat.drain()]);
  await Promise.all([news, chat, center].map((part) => part.stop()));
  server.close();
  server.closeIdleConnections();
}
process.once("SIGINT", () => void stop());
