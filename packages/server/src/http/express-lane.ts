import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { ApiResponse } from "./answers.js";
import { LaneReader, type LaneRequest } from "./lane-request.js";

/** A request of the lane, as the API reads it. */
export type ShortRequest = Omit<LaneRequest, "length"> & { socket: Socket };

export interface ExpressLaneOptions {
  maxHeadBytes: number;
  maxBodyBytes: number;
  /** How long a connection may wait for its next request. */
  idleMs: number;
  /** How long it may wait for its first one. */
  firstRequestMs: number;
  onRequest: (req: ShortRequest, res: ApiResponse) => void;
  /** Gives the connection to node:http for good, with the bytes that nobody has read yet. */
  handOver: (socket: Socket, unread: Buffer) => void;
}

/**
 * Answers whole, plain requests to the classic API without node:http, which costs as much again as everything else
 * that a center does for a call. A connection on which anything else comes is handed over, with what came.
 */
export class ExpressLane {
  readonly #options: ExpressLaneOptions;
  readonly #connections = new Set<LaneConnection>();

  constructor(options: ExpressLaneOptions) {
    this.#options = options;
  }

  take(socket: Socket): void {
    const connection = new LaneConnection(socket, this.#options, () => this.#connections.delete(connection));
    this.#connections.add(connection);
  }

  /** Ends idle connections now, and the others with their answers. */
  close(): void {
    for (const connection of this.#connections) connection.endWhenIdle();
  }
}

const nothing = Buffer.alloc(0);

class LaneConnection {
  readonly #socket: Socket;
  readonly #options: ExpressLaneOptions;
  readonly #reader: LaneReader;
  readonly #keepAlive: string;
  readonly #onGone: () => void;
  #answering: LaneResponse | undefined;
  /** What came behind the request that is being answered. */
  #unread: Buffer | undefined;
  #isEnding = false;
  #hasServed = false;

  constructor(socket: Socket, options: ExpressLaneOptions, onGone: () => void) {
    this.#socket = socket;
    this.#options = options;
    this.#reader = new LaneReader(options);
    this.#keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(options.idleMs / 1000)}`;
    this.#onGone = onGone;
    socket.on("data", this.#onData).on("end", this.#onEnd).on("error", this.#onError);
    socket.on("close", this.#onClose).on("timeout", this.#onTimeout).setTimeout(options.firstRequestMs);
  }

  endWhenIdle(): void {
    this.#isEnding = true;
    if (this.#answering !== undefined) this.#answering.isLast = true;
    // Nothing is due, and a peer that is frozen would not end its side.
    else this.#socket.destroySoon();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#answering === undefined) {
      // Nobody would get the answer.
      if (!this.#isEnding) this.#serve(chunk);
      return;
    }
    this.#unread = this.#unread === undefined ? chunk : Buffer.concat([this.#unread, chunk]);
    this.#socket.pause();
  };

  /** As with node:http, who ends its side waits for no answer: most who do are gone. */
  readonly #onEnd = (): void => {
    this.#isEnding = true;
    this.#answering?.gone();
    this.#socket.end();
  };

  readonly #onError = (): void => {
    // The end of the connection follows, and tells all there is.
  };

  readonly #onClose = (): void => {
    this.#onGone();
    this.#answering?.gone();
  };

  readonly #onTimeout = (): void => {
    if (this.#answering !== undefined) return;
    if (this.#hasServed) this.#socket.destroy();
    else this.#handOver(nothing);
  };

  #serve(chunk: Buffer): void {
    const request = this.#reader.read(chunk);
    if (request === undefined) {
      this.#handOver(chunk);
      return;
    }
    const { method, url, headers, body, length } = request;
    if (length < chunk.length) {
      this.#unread = chunk.subarray(length);
      this.#socket.pause();
    }
    if (!this.#hasServed) {
      this.#hasServed = true;
      this.#socket.setTimeout(this.#options.idleMs);
    }
    const answering = new LaneResponse(this.#socket, this.#keepAlive, this.#onAnswered);
    answering.isLast = this.#isEnding;
    this.#answering = answering;
    this.#options.onRequest({ method, url, headers, body, socket: this.#socket }, answering);
  }

  readonly #onAnswered = (): void => {
    this.#answering = undefined;
    const socket = this.#socket;
    if (this.#isEnding) {
      // The end of the peer's side comes behind what nobody reads any more.
      socket.resume().end();
    } else if (socket.writableNeedDrain) {
      // Who reads no answers gets no further ones made.
      socket.pause().once("drain", this.#goOn);
    } else if (this.#unread !== undefined) {
      // Not from within the answer: a thousand requests in one packet would nest as deep.
      setImmediate(this.#goOn);
    }
  };

  readonly #goOn = (): void => {
    if (this.#socket.destroyed || this.#isEnding) return;
    const unread = this.#unread;
    this.#unread = undefined;
    this.#socket.resume();
    if (unread !== undefined) this.#serve(unread);
  };

  #handOver(chunk: Buffer): void {
    const socket = this.#socket;
    socket.off("data", this.#onData).off("end", this.#onEnd).off("error", this.#onError);
    socket.off("close", this.#onClose).off("timeout", this.#onTimeout).setTimeout(0);
    this.#onGone();
    this.#options.handOver(socket, chunk);
  }
}

/** The answer to a request of the lane: as much of node:http's as the API uses. */
class LaneResponse implements ApiResponse {
  headersSent = false;
  writableEnded = false;
  isLast = false;
  readonly #socket: Socket;
  readonly #keepAlive: string;
  readonly #onAnswered: () => void;
  #head = "";
  #isGone = false;
  #onClose: (() => void) | undefined;

  constructor(socket: Socket, keepAlive: string, onAnswered: () => void) {
    this.#socket = socket;
    this.#keepAlive = keepAlive;
    this.#onAnswered = onAnswered;
  }

  get writableFinished(): boolean {
    return this.writableEnded;
  }

  get destroyed(): boolean {
    return this.#isGone || this.#socket.destroyed;
  }

  writeHead(status: number, headers: Readonly<Record<string, string | number>>): void {
    let fields = "";
    for (const name in headers) fields += `${name}: ${headers[name] ?? ""}\r\n`;
    this.#head = this.#headOf(status, fields);
    this.headersSent = true;
  }

  end(body: string | Uint8Array = ""): void {
    this.#write(this.#head, body);
  }

  answer(status: number, fields: string, body: string | Uint8Array): void {
    this.headersSent = true;
    this.#write(this.#headOf(status, fields), body);
  }

  #headOf(status: number, fields: string): string {
    const connection = this.isLast ? lastAnswer : this.#keepAlive;
    return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${fields}Date: ${dateHeader()}\r\n${connection}\r\n\r\n`;
  }

  #write(head: string, body: string | Uint8Array): void {
    this.writableEnded = true;
    if (typeof body === "string") {
      this.#socket.write(head + body);
    } else {
      this.#socket.write(head, "latin1");
      this.#socket.write(body);
    }
    this.#onAnswered();
  }

  /** One listener, for the connection's end before the answer. */
  once(_event: "close", listener: () => void): void {
    this.#onClose = listener;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  gone(): void {
    this.#isGone = true;
    this.#onClose?.();
    this.#onClose = undefined;
  }
}

const lastAnswer = "Connection: close";

let date = "";
let dateSecond = 0;

/** As HTTP wants it (RFC 9110, 6.6.1), made once a second. */
function dateHeader(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    date = new Date(second * 1000).toUTCString();
  }
  return date;
}
