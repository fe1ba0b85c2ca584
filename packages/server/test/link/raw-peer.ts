import { createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { decode, encode } from "@msgpack/msgpack";
import { LINK_PROTOCOL_VERSION } from "@websocket-center/protocol";
import { WebSocket, WebSocketServer } from "ws";
import { hexId, info, Mailbox, status } from "./link-port.js";

/** One end of a link that speaks frames by hand: MessagePack behind a length of four bytes. */
export class RawPeer {
  readonly webSocket: WebSocket;
  readonly frames = new Mailbox<unknown[]>();
  /** The close code and reason that this end saw. */
  readonly closed: Promise<{ code: number; reason: string }>;

  constructor(webSocket: WebSocket) {
    this.webSocket = webSocket;
    webSocket.on("message", (data: Buffer) => {
      for (let at = 0; at < data.length;) {
        const end = at + 4 + data.readUInt32BE(at);
        this.frames.put(decode(data.subarray(at + 4, end)) as unknown[]);
        at = end;
      }
    });
    // A link that the other end resets closes with 1006 all the same.
    webSocket.on("error", () => webSocket.terminate());
    this.closed = once(webSocket, "close").then(([code, reason]: unknown[]) => ({
      code: Number(code),
      reason: String(reason),
    }));
  }

  /** @param from - the address of this end; default 127.0.0.1. */
  static async connect(port: number, from = "127.0.0.1"): Promise<RawPeer> {
    const peer = new RawPeer(new WebSocket(`ws://127.0.0.1:${port}/link`, { localAddress: from }));
    await once(peer.webSocket, "open");
    return peer;
  }

  /** Sends the frames as one message. */
  send(...frames: unknown[]): void {
    this.sendEncoded(...frames.map((frame) => encode(frame)));
  }

  /** The same for frames that are bytes already. */
  sendEncoded(...frames: Uint8Array[]): void {
    this.webSocket.send(Buffer.concat(frames.flatMap((frame) => [lengthOf(frame), frame])));
  }

  /** Bytes as a message, without any framing. */
  sendMessage(bytes: Uint8Array | string): void {
    this.webSocket.send(bytes);
  }

  close(): void {
    this.webSocket.terminate();
  }
}

function lengthOf(frame: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(frame.length);
  return length;
}

/** A center that accepts links on port 0 and does nothing of itself. */
export class RawCenter {
  readonly peers = new Mailbox<RawPeer>();
  readonly #server: WebSocketServer;

  private constructor(server: WebSocketServer) {
    this.#server = server;
    server.on("connection", (webSocket) => this.peers.put(new RawPeer(webSocket)));
  }

  static async open(): Promise<RawCenter> {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(server, "listening");
    return new RawCenter(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const peer of this.peers.all) peer.close();
    this.#server.close();
    await once(this.#server, "close");
  }
}

export interface Hello {
  version: number;
  role: string;
  id: string;
  nonce: string;
  proof?: string;
}

export function helloOf(frame: unknown[]): Hello {
  if (frame[0] !== "hello") throw new Error(`expected a hello, got ${JSON.stringify(frame)}`);
  return frame[1] as Hello;
}

export function createHello(role: "node" | "center", rest: Partial<Hello> = {}): Hello {
  return {
    version: LINK_PROTOCOL_VERSION,
    role,
    id: hexId(),
    nonce: randomBytes(32).toString("hex"),
    ...rest,
  };
}

/** The proof as the protocol has it, written a second time: HMAC-SHA256 over these lines. */
export function proofOf(secret: string, role: "node" | "center", node: Hello, center: Hello): string {
  const lines = [
    "websocket-center link",
    String(LINK_PROTOCOL_VERSION),
    role,
    node.id,
    center.id,
    node.nonce,
    center.nonce,
  ];
  return createHmac("sha256", secret).update(lines.join("\n")).digest("hex");
}

/** Greets a center as a node, and gives both hellos. */
export async function greet(peer: RawPeer, hello: Hello = createHello("node")): Promise<[Hello, Hello]> {
  peer.send(["hello", hello]);
  return [hello, helloOf(await peer.frames.next())];
}

export function authFrame(proof: string): unknown[] {
  return ["auth", { proof, info, status }];
}

/** A raw peer that is a member: a node that went through the handshake by hand. */
export async function linkRaw(port: number, { secret = "", id = hexId() } = {}): Promise<RawPeer> {
  const peer = await RawPeer.connect(port);
  const [node, center] = await greet(peer, createHello("node", { id }));
  peer.send(authFrame(proofOf(secret, "node", node, center)));
  const welcome = await peer.frames.next();
  if (welcome[0] !== "welcome") throw new Error(`not welcome: ${JSON.stringify(welcome)}`);
  return peer;
}
