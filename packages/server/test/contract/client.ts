import { WebSocket } from "ws";
import type { ClientOptions } from "ws";

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** A WebSocket client that keeps every frame, and can tell that all frames sent so far have come. */
export class Client {
  readonly node: number;
  readonly closed: Promise<Closed>;
  readonly socket: WebSocket;
  readonly #frames: string[] = [];
  readonly #pongs: { resolve: () => void; reject: (error: Error) => void }[] = [];
  #id = "";

  private constructor(node: number, socket: WebSocket) {
    this.node = node;
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.once("close", (code, reason) => {
        for (const pong of this.#pongs.splice(0)) {
          pong.reject(new Error(`closed with ${code} ${reason.toString()} before the pong`));
        }
        resolve({ code, reason: reason.toString() });
      });
    });
  }

  /** Resolves once the open frame came. */
  static open(node: number, url: string, options: ClientOptions = {}): Promise<Client> {
    const socket = new WebSocket(url, { perMessageDeflate: false, ...options });
    const client = new Client(node, socket);
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      void client.closed.then(({ code }) => reject(new Error(`closed with ${code} before the open frame`)));
      socket.on("message", (data: Buffer, isBinary) => {
        const text = data.toString("utf8");
        if (client.#id !== "") {
          client.#keep(isBinary ? `binary:${text}` : text);
          return;
        }
        const found = /^\{"cmd":"open","_id":"([0-9a-f]{32})"\}$/.exec(text);
        if (found?.[1] === undefined) {
          reject(new Error(`the first frame is not the open frame: ${text.slice(0, 200)}`));
          return;
        }
        client.#id = found[1];
        socket.off("error", reject);
        socket.on("error", () => undefined);
        resolve(client);
      });
    });
  }

  get id(): string {
    return this.#id;
  }

  /** Everything that was sent to this client before has arrived when this resolves. */
  flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pongs.push({ resolve, reject });
      this.socket.send("ping");
    });
  }

  /** The frames since the last time, without pongs. */
  take(): string[] {
    return this.#frames.splice(0);
  }

  async flushAndTake(): Promise<string[]> {
    await this.flush();
    return this.take();
  }

  async close(code = 1000, reason = ""): Promise<Closed> {
    this.socket.close(code, reason);
    return this.closed;
  }

  #keep(text: string): void {
    if (text === `{"cmd":"pong","_id":"${this.#id}"}` && this.#pongs.length > 0) {
      this.#pongs.shift()?.resolve();
      return;
    }
    this.#frames.push(text);
  }
}
