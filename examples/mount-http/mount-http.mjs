// A center and two nodes inside one server of your own, beside the pages that it serves.
//
//   node mount-http.mjs
//   curl http://127.0.0.1:8080/                                               the application
//   ws://127.0.0.1:8080/ws/news and ws://127.0.0.1:8080/ws/chat               the nodes
//   curl -g 'http://127.0.0.1:8080/center/?event=broadcast&broadcast[msg]=hi' the center
//   curl 'http://127.0.0.1:8080/node/chat/?event=getConnectionCount'          one node's own API
import { createServer } from "node:http";
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

const mounted = {
  "/center/": center.handleRequest,
  "/node/news/": news.handleRequest,
  "/node/chat/": chat.handleRequest,
};
const server = createServer((request, response) => {
  const prefix = Object.keys(mounted).find((path) => request.url.startsWith(path));
  if (prefix === undefined) {
    response.end("the application's own page\n");
    return;
  }
  // As frameworks do: what is mounted sees the rest of the path.
  request.url = request.url.slice(prefix.length - 1);
  mounted[prefix](request, response);
});
news.attach(server, { path: "/ws/news" });
chat.attach(server, { path: "/ws/chat" });
server.on("upgrade", (request, socket) => {
  // Nobody else takes upgrades here: refuse those that no node takes.
  if (!request.url.startsWith("/ws/")) socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
});

for (const part of [center, news, chat]) await part.start();
server.listen(Number(PORT), "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${PORT}/`));

async function stop() {
  await Promise.all([news.drain(), chat.drain()]);
  await Promise.all([news, chat, center].map((part) => part.stop()));
  server.close();
  server.closeIdleConnections();
}
process.once("SIGINT", () => void stop());
