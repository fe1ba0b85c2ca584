import { randomBytes } from "node:crypto";
import type { NodeInfo, NodeStatus } from "@websocket-center/protocol";
import { WebSocketDialer, type DialerOptions } from "../../src/backplane/websocket-dialer.js";
import { WebSocketListener } from "../../src/backplane/websocket-listener.js";
import type { CenterError } from "../../src/errors.js";
import { createHttpServer, type HttpServer, type HttpServerOptions } from "../../src/http/server.js";
import { NodeIdentity } from "../../src/node/identity.js";
import { Recorder } from "./recorder.js";

export const info: NodeInfo = { version: "1.2.3", publicUrl: "ws://127.0.0.1:1", startedAt: 1 };
export const status: NodeStatus = { connections: 0, users: 0, groups: 0, draining: false };

export function hexId(): string {
  return randomBytes(16).toString("hex");
}

/** Answers what is told, to whoever asks for the next: told before or after. */
export class Mailbox<T> {
  readonly all: T[] = [];
  #taken = 0;
  readonly #waiting: ((value: T) => void)[] = [];

  put = (value: T): void => {
    this.all.push(value);
    const take = this.#waiting.shift();
    if (take === undefined) return;
    this.#taken += 1;
    take(value);
  };

  next(): Promise<T> {
    if (this.#taken < this.all.length) {
      this.#taken += 1;
      return Promise.resolve(this.all[this.#taken - 1] as T);
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** The center's end of the websocket backplane on a port of its own. */
export class LinkPort {
  readonly centerId: string;
  readonly listener: WebSocketListener;
  readonly recorder: Recorder;
  readonly refused = new Mailbox<CenterError>();
  readonly server: HttpServer;
  port = 0;

  constructor(
    options: { centerId?: string; secrets?: readonly string[]; tls?: HttpServerOptions["tls"] } = {},
  ) {
    this.centerId = options.centerId ?? hexId();
    this.listener = new WebSocketListener({
      centerId: this.centerId,
      secrets: options.secrets ?? [],
      onRefused: (_address, error) => this.refused.put(error),
    });
    this.recorder = new Recorder(this.listener);
    this.server = createHttpServer({
      ...(options.tls === undefined ? {} : { tls: options.tls }),
      maxHeaderBytes: 16 * 1024,
      headersTimeoutMs: 10_000,
      onRequest: (_request, response) => response.writeHead(426).end(),
      onUpgrade: (request, socket, head) => this.listener.accept(request, socket, head),
    });
  }

  /** @param host - default 127.0.0.1; `port` for one that was used before. */
  async open(port = 0, host = "127.0.0.1"): Promise<this> {
    this.port = await this.server.listen(port, host);
    return this;
  }

  async close(): Promise<void> {
    await this.listener.close();
    await this.server.close(0);
  }
}

export interface Lost {
  address: string;
  error: CenterError;
  retryMs: number;
}

/** A node's end of the websocket backplane. */
export class Dialing {
  readonly dialer: WebSocketDialer;
  readonly recorder: Recorder;
  readonly lost = new Mailbox<Lost>();
  readonly identity: NodeIdentity;

  constructor(
    options: {
      identity?: NodeIdentity;
      secrets?: readonly string[];
      tls?: DialerOptions["tls"];
      checkHost?: DialerOptions["checkHost"];
    } = {},
  ) {
    this.identity = options.identity ?? new NodeIdentity();
    this.dialer = new WebSocketDialer({
      identity: this.identity,
      secrets: options.secrets ?? [],
      info: () => info,
      status: () => status,
      tls: options.tls,
      checkHost: options.checkHost ?? (() => {}),
      onLost: (address, error, retryMs) => this.lost.put({ address, error, retryMs }),
    });
    this.recorder = new Recorder(this.dialer);
  }

  /** Dials these ports of 127.0.0.1, or `host` and port. */
  start(...addresses: (number | [host: string, port: number])[]): this {
    for (const address of addresses) {
      const [host, port] = typeof address === "number" ? (["127.0.0.1", address] as const) : address;
      this.dialer.add(host, port);
    }
    this.dialer.start();
    return this;
  }

  close(): Promise<void> {
    return this.dialer.close();
  }
}

/** Everything that a test opened, closed in reverse order. */
export class Cleanup {
  readonly #closers: (() => unknown)[] = [];

  add<T extends { close: () => unknown }>(thing: T): T {
    this.#closers.push(() => thing.close());
    return thing;
  }

  readonly run = async (): Promise<void> => {
    for (const close of this.#closers.splice(0).reverse()) await close();
  };
}
