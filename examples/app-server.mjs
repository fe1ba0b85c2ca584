// What the examples with a page share: one process that builds the page, serves it, and is the cluster behind it.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { build } from "vite";
import { createCenter, createNode } from "websocket-center";

const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };

/**
 * A center with its HTTP API on `HTTP_PORT` (8011), and the page with a node at `/ws` on `PORT` (8080). The node lets in
 * who connects with `?name=…`, binds that name as the user id, and joins `groups`.
 */
export async function startApp(folder, { groups = [] } = {}) {
  const { PORT = 8080, HTTP_PORT = 8011 } = process.env;
  await build({ root: folder, logLevel: "warn" });
  const server = createServer((request, response) => void servePage(folder, request, response));
  server.listen(Number(PORT), "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();

  const center = createCenter({ linkPort: 0, httpPort: Number(HTTP_PORT), logLevel: "warn" });
  await center.start();
  const node = createNode(
    {
      centers: [center.addresses.link],
      publicUrl: `ws://127.0.0.1:${port}/ws`,
      closeSpreadMs: 100,
      logLevel: "warn",
    },
    { mounted: true, authorize: (request) => admit(request, groups) },
  );
  node.attach(server, { path: "/ws" });
  await node.start();
  console.log(`the page is at http://127.0.0.1:${port}/, the API at http://${center.addresses.http}/`);

  const stop = async () => {
    server.close();
    await node.drain();
    await Promise.all([node.stop(), center.stop()]);
    server.closeAllConnections();
  };
  process.once("SIGINT", () => void stop());
  return { center, node };
}

function admit(request, groups) {
  const name = new URL(request.url, "http://localhost").searchParams.get("name");
  return name ? { admit: true, userId: name, groups } : { admit: false, status: 401 };
}

async function servePage(folder, request, response) {
  const { pathname } = new URL(request.url, "http://localhost");
  const file = path.join(folder, "dist", pathname === "/" ? "index.html" : path.normalize(pathname));
  try {
    const content = await readFile(file);
    response.writeHead(200, { "Content-Type": types[path.extname(file)] ?? "application/octet-stream" });
    response.end(content);
  } catch {
    response.writeHead(404).end();
  }
}
