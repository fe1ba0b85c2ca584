import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import type { WebSocketNode } from "../../src/index.js";

export const opcodes = { text: 0x1, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const;

export interface RawFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** A final frame as a client sends it: masked (RFC 6455, 5.2). For payloads of up to 125 bytes. */
export function clientFrame(opcode: number, payload: string | Buffer = ""): Buffer {
  const bytes = Buffer.from(payload);
  const mask = randomBytes(4);
  const masked = bytes.map((byte, index) => byte ^ mask[index % 4]!);
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | bytes.length]), mask, masked]);
}

/** A client at the level of TCP: it does what it is told, and reads only while it waits for something. */
export class RawClient {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  #received = Buffer.alloc(0);
  #ended = false;
  #wake: () => void = () => undefined;

  private constructor(port: number) {
    this.socket = connect(port, "127.0.0.1");
    this.socket.on("error", () => undefined);
    this.closed = new Promise((resolve) => {
      this.socket.once("close", () => {
        this.#ended = true;
        this.#wake();
        resolve();
      });
    });
    onTestFinished(() => {
      this.socket.destroy();
    });
  }

  /** Resolves once the handshake is done; from then on nothing is read. */
  static async open(node: WebSocketNode, path = "/"): Promise<RawClient> {
    const client = RawClient.ask(node, path);
    const head = await client.#until(() => {
      const end = client.#received.indexOf("\r\n\r\n");
      return end === -1 ? undefined : client.#cut(end + 4);
    });
    if (!head.toString().startsWith("HTTP/1.1 101 ")) throw new Error(head.toString());
    return client;
  }

  /** Sends the handshake, and waits for nothing. */
  static ask(node: WebSocketNode, path = "/"): RawClient {
    return RawClient.dial(
      node,
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n\r\n`,
    );
  }

  /** Sends this text, and waits for nothing. */
  static dial(node: WebSocketNode, text: string): RawClient {
    const client = new RawClient(Number(node.addresses.client.split(":").at(-1)));
    client.socket.write(text);
    return client;
  }

  write(...frames: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** The next frame; rejects where the connection ended before it was whole. */
  frame(): Promise<RawFrame> {
    return this.#until(() => this.#cutFrame());
  }

  async frames(count: number): Promise<RawFrame[]> {
    const frames: RawFrame[] = [];
    while (frames.length < count) frames.push(await this.frame());
    return frames;
  }

  /** Whatever comes until the connection ends. */
  async readToEnd(): Promise<string> {
    let text = "";
    this.socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
    });
    this.socket.resume();
    await this.closed;
    return text;
  }

  #cutFrame(): RawFrame | undefined {
    const bytes = this.#received;
    if (bytes.length < 2) return undefined;
    const short = bytes[1]!;
    const headerLength = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length < headerLength) return undefined;
    const length =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if (bytes.length < headerLength + length) return undefined;
    const opcode = bytes[0]! & 0x0f;
    return { opcode, payload: this.#cut(headerLength + length).subarray(headerLength) };
  }

  #cut(length: number): Buffer {
    const head = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return head;
  }

  async #until<T>(find: () => T | undefined): Promise<T> {
    const onData = (chunk: Buffer): void => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    };
    try {
      for (;;) {
        const found = find();
        if (found !== undefined) return found;
        if (this.#ended) throw new Error("the connection ended");
        const woken = new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        if (this.socket.listenerCount("data") === 0) this.socket.on("data", onData).resume();
        await woken;
      }
    } finally {
      this.socket.off("data", onData).pause();
    }
  }
}
