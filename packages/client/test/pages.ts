import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";

async function bundle(entry: string): Promise<string> {
  const { output } = await build({
    input: fileURLToPath(new URL(entry, import.meta.url)),
    platform: "browser",
    // React's strict mode does nothing in production.
    transform: { define: { "process.env.NODE_ENV": '"development"' } },
    output: { format: "es", minify: true },
    write: false,
  });
  return output[0].code;
}

/**
 * Serves the client, bundled as an application would have it, to pages whose window has `createClient`; `react` is a
 * page with the hook.
 */
export async function servePages(): Promise<{ url: string; close: () => void }> {
  const client = await bundle("../src/index.ts");
  const react = await bundle("react-page.ts");
  const html = `<!doctype html><title>client</title><script type="module">
    import { createClient } from "/client.js";
    window.createClient = createClient;
  </script>`;
  const files: Record<string, [type: string, content: string]> = {
    "/client.js": ["text/javascript", client],
    "/react.js": ["text/javascript", react],
    "/react": [
      "text/html",
      `<!doctype html><title>react</title><script type="module" src="/react.js"></script>`,
    ],
  };
  const server: Server = createServer((request, response) => {
    const [type, content] = files[request.url ?? ""] ?? ["text/html", html];
    response.writeHead(200, { "Content-Type": type }).end(content);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
