// A center and two nodes inside one Fastify 5 application, beside its own routes.
//
//   node mount-fastify.mjs
//   curl http://127.0.0.1:8080/                                               the application
//   ws://127.0.0.1:8080/ws/news and ws://127.0.0.1:8080/ws/chat               the nodes
//   curl -g 'http://127.0.0.1:8080/center/?event=broadcast&broadcast[msg]=hi' the center
//   curl 'http://127.0.0.1:8080/node/chat/?event=getConnectionCount'          one node's own API
import Fastify from "fastify";
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

/** Mounts a `(request, response)` function under the plugin's prefix, as Express's `use` does. */
async function mount(scope, { prefix, handle }) {
  // In this scope alone no body is read, so that the function gets it whole, whatever its content type.
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser("*", (_request, _payload, done) => done(null));
  const serve = (request, reply) => {
    reply.hijack();
    const rest = request.raw.url.slice(prefix.length);
    request.raw.url = rest.startsWith("/") ? rest : `/${rest}`;
    handle(request.raw, reply.raw);
  };
  scope.all("/", serve);
  scope.all("/*", serve);
}

const app = Fastify();
app.register(mount, { prefix: "/center", handle: center.handleRequest });
app.register(mount, { prefix: "/node/news", handle: news.handleRequest });
app.register(mount, { prefix: "/node/chat", handle: chat.handleRequest });
app.get("/", () => "the application's own page\n");
app.post("/echo", (request) => request.body);

news.attach(app.server, { path: "/ws/news" });
chat.attach(app.server, { path: "/ws/chat" });
app.server.on("upgrade", (request, socket) => {
  // Nobody else takes upgrades here: refuse those that no node takes.
  if (!request.url.startsWith("/ws/")) socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
});
// Before Fastify waits for its server's connections to end: WebSockets would not.
app.addHook("preClose", async () => {
  await Promise.all([news.drain(), chat.drain()]);
  await Promise.all([news.stop(), chat.stop()]);
});
app.addHook("onClose", () => center.stop());

for (const part of [center, news, chat]) await part.start();
await app.listen({ port: Number(PORT), host: "127.0.0.1" });
console.log(`listening on http://127.0.0.1:${PORT}/`);

process.once("SIGINT", () => void app.close());
