import type { Duplex } from "node:stream";
import type WebSocket from "ws";
import { CenterError } from "../errors.js";
import { headLength, putHead } from "../wire/websocket-head.js";
import { MAX_FRAME_BYTES, type Sent } from "./backplane.js";

/** A WebSocket message of bytes. */
const BINARY = 0x2;
const LENGTH_BYTES = 4;
/** A message is flushed before it grows past this. */
const FLUSH_BYTES = 64 * 1024;
/** The largest WebSocket message on a link: what one flush can hold, and a frame more. */
export const MAX_LINK_MESSAGE_BYTES = FLUSH_BYTES + MAX_FRAME_BYTES + 1024;
const CLOSE_TIMEOUT_MS = 500;

/**
 * Frames over one WebSocket. Frames of one tick travel together, as one binary message: for each a length of four
 * bytes, big-endian, and its bytes.
 */
export class LinkSocket {
  /** Called for each frame, in order. Throwing ends the link. */
  onFrame: (frame: Uint8Array) => void = () => {};
  /** Called once, with why the link ended, and the close code where the peer sent one. */
  onClose: (reason: string, code?: number) => void = () => {};
  readonly #webSocket: WebSocket;
  readonly #socket: Duplex | undefined;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #sent: Sent[] = [];
  #scheduled = false;
  #ended: string | undefined;

  /**
   * @param socket - what the server of a WebSocket has it on: a message is then written in one piece, which `ws` would write
   * in two. A client's messages have to be masked, which is left to `ws`.
   */
  constructor(webSocket: WebSocket, socket?: Duplex) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    webSocket.on("message", (data: Buffer, isBinary) => this.#receive(data, isBinary));
    webSocket.on("error", (error) => this.#end(error.message));
    webSocket.on("close", (code, reason) => {
      const text = reason.toString();
      this.#end(text === "" ? `the link was closed (${code})` : `${text} (${code})`, code);
    });
  }

  /** Why the link ended; undefined while it lives. */
  get ended(): string | undefined {
    return this.#ended;
  }

  /** Bytes not yet handed to the kernel. */
  get queuedBytes(): number {
    return this.#queuedBytes + this.#webSocket.bufferedAmount;
  }

  send(frame: Uint8Array, sent?: Sent): void {
    if (this.#ended !== undefined) {
      sent?.(false);
      return;
    }
    this.#queue.push(frame);
    this.#queuedBytes += LENGTH_BYTES + frame.length;
    if (sent !== undefined) this.#sent.push(sent);
    if (this.#queuedBytes >= FLUSH_BYTES) {
      this.flush();
    } else if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => this.flush());
    }
  }

  /** Writes what is queued now. */
  flush(): void {
    this.#scheduled = false;
    if (this.#queue.length === 0 || this.#ended !== undefined) return;
    const queue = this.#queue;
    const size = this.#queuedBytes;
    const sent = this.#sent;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#sent = [];
    const tell = sent.length === 0 ? undefined : () => sent.forEach((each) => each(true));
    const socket = this.#webSocket.readyState === this.#webSocket.OPEN ? this.#socket : undefined;
    const headBytes = socket === undefined ? 0 : headLength(size);
    const message = Buffer.allocUnsafe(headBytes + size);
    putFrames(queue, message, headBytes);
    if (socket === undefined) {
      this.#webSocket.send(message, { binary: true }, tell);
    } else {
      putHead(message, BINARY, size);
      socket.write(message, tell);
    }
  }

  /** Ends the link at once, without waiting for the peer. */
  terminate(reason: string): void {
    this.#end(reason);
    this.#webSocket.terminate();
  }

  /**
   * Ends the link with a close frame, behind what is queued; waits for the peer for at most half a second. Never
   * rejects: whatever the peer still sends, its end is the end.
   */
  async close(code: number, reason: string): Promise<void> {
    this.flush();
    this.#end(reason);
    if (this.#webSocket.readyState === this.#webSocket.CLOSED) return;
    // Not `once` of node:events, which rejects when the peer breaks the protocol while it is being closed.
    const closed = new Promise<void>((resolve) => {
      this.#webSocket.once("close", () => resolve());
    });
    this.#webSocket.close(code, reason);
    const timer = setTimeout(() => this.#webSocket.terminate(), CLOSE_TIMEOUT_MS);
    await closed;
    clearTimeout(timer);
  }

  #receive(data: Buffer, isBinary: boolean): void {
    try {
      if (!isBinary) throw new CenterError("LINK_PROTOCOL", "a link carries binary messages only");
      let at = 0;
      while (at < data.length) {
        const start = at + LENGTH_BYTES;
        const end = start > data.length ? Infinity : start + data.readUInt32BE(at);
        if (end > data.length) throw new CenterError("LINK_PROTOCOL", "a message ends within a frame");
        if (this.#ended !== undefined) return;
        this.onFrame(data.subarray(start, end));
        at = end;
      }
    } catch (error) {
      this.terminate(error instanceof Error ? error.message : String(error));
    }
  }

  #end(reason: string, code?: number): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    for (const tell of this.#sent.splice(0)) tell(false);
    this.#queue = [];
    this.#queuedBytes = 0;
    this.onClose(reason, code);
  }
}

function putFrames(frames: readonly Uint8Array[], message: Buffer, from: number): void {
  let at = from;
  for (const frame of frames) {
    at = message.writeUInt32BE(frame.length, at);
    message.set(frame, at);
    at += frame.length;
  }
}
