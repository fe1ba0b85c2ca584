import { createElement, StrictMode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { type Client, createClient } from "../src/index.js";
import { useWebSocketCenter } from "../src/react.js";

/** What a test does in the page with the hook. */
export interface ReactPage {
  readonly client: Client<string>;
  readonly heard: string[];
  readonly states: string[];
  /** Shows so many components that use the client; each hears every message. */
  show(count: number): void;
}

function Listener({ client, heard, prefix }: { client: Client<string>; heard: string[]; prefix: string }) {
  const { state } = useWebSocketCenter(client, (message) => heard.push(`${prefix}: ${message}`));
  return createElement("p", null, `${prefix} ${state}`);
}

let renders = 0;
const root: Root = createRoot(document.body.appendChild(document.createElement("main")));

Object.assign(globalThis, {
  start(url: string): void {
    const client = createClient({ url });
    const heard: string[] = [];
    const states: string[] = [];
    client.on("status", ({ state }) => states.push(state));
    const page: ReactPage = {
      client,
      heard,
      states,
      show(count) {
        renders += 1;
        const listeners = Array.from({ length: count }, (_, at) =>
          createElement(Listener, { key: at, client, heard, prefix: `${renders}.${at}` }),
        );
        root.render(createElement(StrictMode, null, listeners));
      },
    };
    Object.assign(globalThis, { page });
  },
});
