import { request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from "node:http";
import { onTestFinished } from "vitest";
import { type ClientOptions, WebSocket } from "ws";
import {
  type Center,
  type CenterOptions,
  type CenterParts,
  createCenter,
  createLogger,
  createNode,
  createSilentLogger,
  type Logger,
  type NodeOptions,
  type NodeParts,
  type WebSocketNode,
} from "../../src/index.js";

/** A node on a free port of loopback, without centers unless some are given. It stops when the test ends. */
export async function startNode(options: NodeOptions = {}, parts: NodeParts = {}): Promise<WebSocketNode> {
  const node = createNode({ port: 0, centers: [], ...options }, { log: createSilentLogger(), ...parts });
  onTestFinished(() => node.stop());
  await node.start();
  return node;
}

/** A center on free ports of loopback. It stops when the test ends. */
export async function startCenter(options: CenterOptions = {}, parts: CenterParts = {}): Promise<Center> {
  const center = createCenter(
    { linkPort: 0, httpPort: 0, ...options },
    { log: createSilentLogger(), ...parts },
  );
  onTestFinished(() => center.stop());
  await center.start();
  return center;
}

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A logger at level trace that keeps its lines. */
export function keepLog(): { log: Logger; lines: LogLine[]; text: () => string } {
  const lines: LogLine[] = [];
  const texts: string[] = [];
  const stream = {
    write(text: string): void {
      texts.push(text);
      lines.push(JSON.parse(text) as LogLine);
    },
  };
  const log = createLogger({ level: "trace", format: "json", name: "test", stream });
  return { log, lines, text: () => texts.join("") };
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

interface Waiting {
  resolve: (message: string | Buffer) => void;
  reject: (error: Error) => void;
}

/** A WebSocket client that keeps what comes: text frames as strings, binary ones as bytes. */
export class Client {
  readonly socket: WebSocket;
  readonly closed: Promise<Closed>;
  readonly pongs: string[] = [];
  /** From the open frame; empty where the node sends none. */
  id = "";
  readonly #messages: (string | Buffer)[] = [];
  readonly #waiting: Waiting[] = [];
  #ended: Error | undefined;

  private constructor(url: string, protocols: string[], options: ClientOptions) {
    this.socket = new WebSocket(url, protocols, { perMessageDeflate: false, ...options });
    this.socket.on("message", (data: Buffer, isBinary) => this.#keep(isBinary ? data : data.toString()));
    this.socket.on("pong", (data) => this.pongs.push(data.toString()));
    this.closed = new Promise((resolve) => {
      this.socket.once("close", (code, reason) => {
        this.#ended = new Error(`closed with ${code} ${reason.toString()}`);
        for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
        resolve({ code, reason: reason.toString() });
      });
    });
  }

  /** Resolves once the handshake is done, and, unless `openFrame` is false, the open frame has come. */
  static async connect(
    node: WebSocketNode | string,
    {
      path = "/",
      openFrame = true,
      protocols = [],
      ...options
    }: ClientOptions & { path?: string; openFrame?: boolean; protocols?: string[] } = {},
  ): Promise<Client> {
    const base = typeof node === "string" ? node : `ws://${node.addresses.client}`;
    const client = new Client(`${base}${path}`, protocols, options);
    onTestFinished(() => client.socket.terminate());
    await new Promise((resolve, reject) => {
      client.socket.once("open", resolve).once("error", reject);
    });
    client.socket.on("error", () => undefined);
    if (openFrame) client.id = (JSON.parse(String(await client.next())) as { _id: string })._id;
    return client;
  }

  /** The next message that was not taken yet. */
  next(): Promise<string | Buffer> {
    const message = this.#messages.shift();
    if (message !== undefined) return Promise.resolve(message);
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  async take(count: number): Promise<(string | Buffer)[]> {
    const messages: (string | Buffer)[] = [];
    while (messages.length < count) messages.push(await this.next());
    return messages;
  }

  /** What has come and was not taken. */
  get untaken(): readonly (string | Buffer)[] {
    return this.#messages;
  }

  close(code = 1000, reason = ""): Promise<Closed> {
    this.socket.close(code, reason);
    return this.closed;
  }

  #keep(message: string | Buffer): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#messages.push(message);
    else waiting.resolve(message);
  }
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** One HTTP request on a connection of its own; also one that asks for an upgrade and is refused. */
export function ask(
  address: string,
  path: string,
  { body, ...options }: RequestOptions & { body?: string } = {},
): Promise<Reply> {
  const colon = address.lastIndexOf(":");
  const target = { host: address.slice(0, colon), port: address.slice(colon + 1), path, agent: false };
  return new Promise((resolve, reject) => {
    const request = httpRequest({ ...target, ...options }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("error", reject);
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
    });
    request.on("upgrade", (_response, socket) => {
      socket.destroy();
      reject(new Error("the upgrade was accepted"));
    });
    request.on("error", reject);
    request.end(body);
  });
}

const upgradeHeaders = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** Asks to become a WebSocket, and resolves with the refusal. */
export function askUpgrade(
  node: WebSocketNode,
  path = "/",
  headers: Record<string, string> = {},
): Promise<Reply> {
  return ask(node.addresses.client, path, { headers: { ...upgradeHeaders, ...headers } });
}

/** A metric of the node, read at its admin port; undefined where there is no such line. */
export async function metricOf(node: WebSocketNode, name: string): Promise<number | undefined> {
  const { text } = await ask(node.addresses.admin ?? "", "/metrics");
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}

/** Resolves with the arguments of the next event that the node tells. */
export function nextEvent<E extends "open" | "message" | "close" | "error">(
  node: WebSocketNode,
  event: E,
): Promise<Parameters<Parameters<typeof node.on<E>>[1]>> {
  return new Promise((resolve) => {
    const off = node.on(event, ((...args: Parameters<Parameters<typeof node.on<E>>[1]>) => {
      off();
      resolve(args);
    }) as Parameters<typeof node.on<E>>[1]);
  });
}
