import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { closeCodes, type Message, utf8Length, MAX_CLOSE_REASON_BYTES } from "@websocket-center/protocol";
import WebSocket from "ws";
import { CenterError } from "../errors.js";
import type { Backlogged, Backlogs } from "./backlogs.js";
import { BINARY, encodeMessage, type Frame, PING, TEXT } from "./frame.js";
import type { Group, HubConnection } from "./hub.js";
import type { Outbox, Recipient } from "./outbox.js";
import type { Sequence } from "./sequence.js";

/** How long a peer may take to read what was queued and answer the close frame before its socket is destroyed. */
export const CLOSE_TIMEOUT_MS = 1000;

/** What a connection needs of a WebSocket of `ws`, whose types those who use this package need not have. */
export interface ClientWebSocket {
  readonly readyState: number;
  readonly extensions: string;
  readonly bufferedAmount: number;
  send(data: Buffer, options: { binary: boolean }): void;
  ping(data: Buffer): void;
  pong(data: Buffer): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

/** How long more than `maxBufferedBytes` may wait, in time that this process has lived through. */
const MAX_OVER_LIMIT_MS = 1000;

/** How many times `maxBufferedBytes` may wait for as long as that: what a tick or a burst brings, until it is read. */
const BURST = 4;

/** Over the limit, what is queued goes to the socket in parts of this size, without waiting for the end of the tick. */
const EARLY_WRITE_BYTES = 64 * 1024;

/** What a connection needs of its node. */
export interface ConnectionHost {
  readonly outbox: Outbox;
  readonly backlogs: Backlogs;
  readonly maxBufferedBytes: number;
  /** Milliseconds that this process has lived through, counted in whole ticks of the heartbeat. */
  livedMs(): number;
  /** The connection is closing, for whichever reason: it takes no part in anything from now on. */
  onClosing(connection: Connection): void;
  /** The connection did not read fast enough, and is being closed. */
  onSlowConsumer(connection: Connection, bufferedBytes: number): void;
}

/** What happened to frames, for those who watch the connection. `opcode`: of RFC 6455, 5.2. */
export interface FrameChange {
  type: "open" | "queued" | "written" | "drained" | "dropped" | "received" | "close";
  bytes?: number;
  opcode?: number;
  closeCode?: number;
  detail?: string;
}

/**
 * One client's WebSocket on this node.
 *
 * Messages, pings and pongs are written around `ws`, to the socket that the upgrade gave us, since `ws` would encode
 * and write each of them once for every connection. What `ws` writes itself (close frames) goes to the same socket,
 * after what was queued before it.
 */
export class Connection implements HubConnection, Recipient, Backlogged {
  // What a write touches stands first, and so together in memory.
  place = -1;
  ownTick = 0;
  writtenFrames = 0;
  readonly socket: Duplex;
  pending: Sequence | undefined;
  writtenAt = 0;
  fastWrites = 0;
  #takesFrames = true;
  /** Whether the socket did not take all of the last write at once. While it did, nobody need ask what waits in it. */
  #isBacklogged = false;
  /** Frames go to the socket as they are: no extension changes them. Kept, because `ws` makes the list anew each time. */
  readonly #isPlain: boolean;
  readonly #host: ConnectionHost;
  readonly #webSocket: ClientWebSocket;
  readonly id: string;
  /** The client's address; behind a trusted proxy the one that the proxy names. */
  readonly remoteAddress: string;
  readonly data: Readonly<Record<string, unknown>> | undefined;
  /** Headers of the handshake. */
  readonly origin: string | undefined;
  readonly userAgent: string | undefined;
  /** When it was opened, in seconds since the Unix epoch: a small number in memory. */
  readonly openedAtS = Math.floor(Date.now() / 1000);
  receivedMessages = 0;
  #onFrame: ((connection: Connection, change: FrameChange) => void) | undefined;
  userId: string | undefined;
  /** Set by the hub alone; applications read `groupIds`. */
  groups: Set<Group> | undefined;
  slot = -1;
  /** The heartbeat's own marks: which slot the connection is in, and by when it must answer a ping. */
  heartbeatSlot = 0;
  answerDueTick: number | undefined;
  /** The code and reason with which the connection ends; undefined while neither side has begun to close. */
  closing: { code: number; reason: string } | undefined;
  #overLimitSinceMs = 0;
  #endTimer: NodeJS.Timeout | undefined;

  constructor(
    host: ConnectionHost,
    init: {
      id: string;
      remoteAddress: string;
      data: Readonly<Record<string, unknown>> | undefined;
      origin: string | undefined;
      userAgent: string | undefined;
      webSocket: ClientWebSocket;
      socket: Duplex;
    },
  ) {
    this.#host = host;
    this.id = init.id;
    this.remoteAddress = init.remoteAddress;
    this.data = init.data;
    this.origin = init.origin;
    this.userAgent = init.userAgent;
    this.#webSocket = init.webSocket;
    this.socket = init.socket;
    this.#isPlain = init.webSocket.extensions === "";
    host.outbox.admit(this);
  }

  /** The groups that it is in; in a `close` handler, those that it was in. */
  get groupIds(): string[] {
    return Array.from(this.groups ?? [], ({ id }) => id);
  }

  /** Set while somebody watches. */
  get onFrame(): ((connection: Connection, change: FrameChange) => void) | undefined {
    return this.#onFrame;
  }

  set onFrame(listener: ((connection: Connection, change: FrameChange) => void) | undefined) {
    this.#onFrame = listener;
    if (listener !== undefined) this.#host.outbox.setApart(this, true);
  }

  get isOpen(): boolean {
    return this.#takesFrames && this.#webSocket.readyState === WebSocket.OPEN;
  }

  /** Whether frames are compressed for this client alone. */
  get isCompressed(): boolean {
    return !this.#isPlain;
  }

  /** Bytes on its socket so far, the handshake and the heads of frames included. */
  get traffic(): { bytesIn: number; bytesOut: number } {
    const { bytesRead = 0, bytesWritten = 0 } = this.socket as Partial<Socket>;
    return { bytesIn: bytesRead, bytesOut: bytesWritten };
  }

  /** Frames that were handed to its socket. */
  get sentFrames(): number {
    return this.#host.outbox.framesTo(this);
  }

  /** Bytes that wait for the network, those of this tick included. */
  get bufferedBytes(): number {
    return (this.#host.outbox.waitingFor(this)?.bytes ?? 0) + this.writtenBytes;
  }

  /** Bytes that were handed to the socket and not yet to the kernel. */
  get writtenBytes(): number {
    if (!this.#isBacklogged) return 0;
    return this.#isPlain ? this.socket.writableLength : this.#webSocket.bufferedAmount;
  }

  /**
   * Sends to this connection: a string as a text frame, bytes as a binary one.
   * @returns false where it is closing, or is now being closed as a slow consumer.
   */
  send(message: Message): boolean {
    return this.enqueue(encodeMessage(message));
  }

  enqueue(frame: Frame): boolean {
    if (!this.#takesFrames) return false;
    const waiting = this.bufferedBytes;
    const bytes = frame.bytes.length;
    if (waiting + bytes > this.#host.maxBufferedBytes && this.#isTooSlow(waiting, bytes)) {
      this.#onFrame?.(this, { type: "dropped", bytes, opcode: frame.opcode, detail: "slow consumer" });
      this.#host.onSlowConsumer(this, this.bufferedBytes);
      this.close(closeCodes.SLOW_CONSUMER.code, closeCodes.SLOW_CONSUMER.reason);
      return false;
    }
    this.#host.outbox.add(this, frame);
    this.#onFrame?.(this, { type: "queued", bytes, opcode: frame.opcode });
    return true;
  }

  /**
   * Whether a frame that takes the queue over its limit comes too early for this client.
   *
   * What one tick brings says nothing of a client: it is handed to the socket, and what the client does not read is
   * waited for a while, up to a bound. An empty queue accepts any frame.
   */
  #isTooSlow(waitingBytes: number, nextBytes: number): boolean {
    const { maxBufferedBytes } = this.#host;
    const maxBurstBytes = BURST * maxBufferedBytes;
    const pendingBytes = waitingBytes - this.writtenBytes;
    if (pendingBytes >= EARLY_WRITE_BYTES || waitingBytes + nextBytes > maxBurstBytes) this.flush();
    const left = this.bufferedBytes;
    const nowMs = this.#host.livedMs();
    if (left <= maxBufferedBytes) this.#overLimitSinceMs = nowMs;
    if (left === 0) return false;
    return left + nextBytes > maxBurstBytes || nowMs - this.#overLimitSinceMs > MAX_OVER_LIMIT_MS;
  }

  write(sequence: Sequence): void {
    const buffers = sequence.buffers();
    const [buffer] = buffers;
    if (this.place < 0 || buffers.length !== 1 || buffer === undefined) {
      this.#writeApart(sequence);
      return;
    }
    this.writtenFrames += sequence.count;
    this.socket.write(buffer);
    if (this.socket.writableLength > 0) this.wrote(sequence);
  }

  /** Also writes what is more than one buffer, and to whom it is not as simple as that. */
  #writeApart(sequence: Sequence): void {
    if (!this.#takesFrames) return;
    this.writtenFrames += sequence.count;
    if (this.#isPlain) this.#writeBuffers(sequence.buffers());
    else this.#writeThroughWebSocket(sequence);
    this.wrote(sequence);
  }

  /** What was handed to the socket may not all be with the kernel. */
  wrote(sequence: Sequence): void {
    const wasBacklogged = this.#isBacklogged;
    this.#isBacklogged = true;
    this.#isBacklogged = this.writtenBytes > 0;
    if (this.#isBacklogged) this.#countBacklog(sequence);
    else if (wasBacklogged) this.#host.backlogs.remove(this);
    this.#host.outbox.setApart(this, !this.#isPlain || this.#isBacklogged || this.#onFrame !== undefined);
    this.#onFrame?.(this, { type: "written", bytes: sequence.bytes });
  }

  #countBacklog(sequence: Sequence): void {
    // What is written with the answer to the handshake only waits for the end of it.
    if (this.socket.writableCorked > 0) return;
    // Each connection compresses for itself: what waits then is in memory for it alone.
    this.#host.backlogs.add(this, this.#isPlain ? sequence.memory : { bytes: sequence.bytes, holders: 0 });
  }

  #writeBuffers(buffers: readonly Buffer[]): void {
    if (this.#onFrame !== undefined) {
      this.socket.write(Buffer.concat(buffers), () => this.#onFrame?.(this, { type: "drained" }));
      return;
    }
    if (buffers.length === 1 && buffers[0] !== undefined) {
      this.socket.write(buffers[0]);
      return;
    }
    this.socket.cork();
    for (const buffer of buffers) this.socket.write(buffer);
    this.socket.uncork();
  }

  #writeThroughWebSocket(sequence: Sequence): void {
    for (const { opcode, payload } of sequence.frames()) {
      if (opcode === TEXT || opcode === BINARY) this.#webSocket.send(payload, { binary: opcode === BINARY });
      else if (opcode === PING) this.#webSocket.ping(payload);
      else this.#webSocket.pong(payload);
    }
  }

  /** Hands what was queued to the socket now. */
  flush(): void {
    this.#host.outbox.flushOne(this);
  }

  /**
   * Closes after what was queued has been handed to the network. The connection leaves the hub at once; `close`
   * handlers run when the peer has answered, or after a second without an answer.
   * @param code - 1000, 1001, 1008 to 1014, or 3000 to 4999 (RFC 6455, 7.4).
   * @throws CenterError INVALID_PARAMS where a close frame cannot carry the code or the reason.
   */
  close(code: number = closeCodes.NORMAL.code, reason = ""): void {
    if (!isSendableCloseCode(code)) {
      throw new CenterError("INVALID_PARAMS", `close code ${code} may not be sent; use 1000 or 3000 to 4999`);
    }
    if (utf8Length(reason) > MAX_CLOSE_REASON_BYTES) {
      throw new CenterError("INVALID_PARAMS", `a close reason has at most ${MAX_CLOSE_REASON_BYTES} bytes`);
    }
    if (this.closing !== undefined || !this.isOpen) return;
    this.flush();
    this.beginClosing(code, reason);
    this.#webSocket.close(code, reason);
  }

  /** The end has begun, whoever began it: the connection leaves the hub. The first code counts. */
  beginClosing(code: number, reason: string): void {
    if (this.closing !== undefined) return;
    this.closing = { code, reason };
    this.#takeNoMore();
    this.#onFrame?.(this, { type: "close", closeCode: code, detail: reason });
    this.#host.onClosing(this);
  }

  /** The client has ended its side. What it does not read any more is waited for no longer than for a close frame. */
  peerEnded(): void {
    this.#takeNoMore();
    this.#host.onClosing(this);
    this.#endTimer ??= setTimeout(() => this.terminate(), CLOSE_TIMEOUT_MS);
  }

  /** Its node is short of memory, and this is where most of it waits: its frames are let go, and so is the client. */
  dropAsSlow(): void {
    if (this.closing === undefined) this.#host.onSlowConsumer(this, this.bufferedBytes);
    const detail = "the node is short of memory";
    this.#onFrame?.(this, { type: "dropped", bytes: this.bufferedBytes, detail });
    this.beginClosing(closeCodes.SLOW_CONSUMER.code, closeCodes.SLOW_CONSUMER.reason);
    this.pending = undefined;
    this.terminate();
  }

  /** The socket is gone. */
  ended(): void {
    clearTimeout(this.#endTimer);
    this.#takesFrames = false;
    this.#host.backlogs.remove(this);
    this.#host.outbox.forget(this);
  }

  /** Ends the connection without a word, for peers that do not answer. */
  terminate(): void {
    this.#takeNoMore();
    this.#webSocket.terminate();
  }

  #takeNoMore(): void {
    this.#takesFrames = false;
    this.#host.outbox.setApart(this, true);
  }
}

function isSendableCloseCode(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  return (
    (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) ||
    (code >= 3000 && code <= 4999)
  );
}
