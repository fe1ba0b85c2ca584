import { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { readFields, readHead, specialFields } from "./plain-head.js";

export interface HandshakeLaneOptions {
  maxHeadBytes: number;
  /** How long a connection may wait before it sends anything. */
  timeoutMs: number;
  /** Gets the socket as it is: it goes on reading, so that whoever does not take what comes at once pauses it. */
  onHandshake: (req: IncomingMessage, socket: Socket, head: Buffer) => void;
  /** Nothing has come in time. */
  onSilent: (socket: Socket) => void;
  /** Gives the connection to node:http for good, with the bytes that nobody has read yet. */
  handOver: (socket: Socket, unread: Buffer) => void;
}

/**
 * Reads WebSocket handshakes that come whole and plain without node:http, which makes a parser and a dozen listeners for
 * each connection, to give them up with its first request: when ten thousand clients come at once, that is what they
 * wait for. A connection that begins with anything else is handed over, with what came.
 */
export class HandshakeLane {
  readonly #options: HandshakeLaneOptions;

  constructor(options: HandshakeLaneOptions) {
    this.#options = options;
  }

  take(socket: Socket): void {
    socket.on("data", this.#onData).on("end", endToo).on("error", leaveToClose);
    socket.on("timeout", this.#onTimeout).setTimeout(this.#options.timeoutMs);
  }

  // Listeners are the same for all sockets: ten thousand closures would be as many objects to move and to collect.
  readonly #onData = ((lane: HandshakeLane) =>
    function (this: Socket, chunk: Buffer): void {
      lane.#leave(this);
      const { maxHeadBytes, onHandshake, handOver } = lane.#options;
      const handshake = readHandshake(this, chunk, maxHeadBytes);
      if (handshake === undefined) handOver(this, chunk);
      else onHandshake(handshake.request, this, chunk.subarray(handshake.length));
    })(this);

  readonly #onTimeout = ((lane: HandshakeLane) =>
    function (this: Socket): void {
      lane.#leave(this);
      lane.#options.onSilent(this);
    })(this);

  #leave(socket: Socket): void {
    socket.off("data", this.#onData).off("end", endToo).off("error", leaveToClose);
    socket.off("timeout", this.#onTimeout).setTimeout(0);
  }
}

/** As with node:http, who ends its side waits for no answer. */
function endToo(this: Socket): void {
  this.end();
}

/** The end of the connection follows, and tells all there is. */
function leaveToClose(): void {}

/** The request line of a handshake, whose URL is in ASCII and has no fragment. */
const requestLine = /^GET \/[!"$-~]* HTTP\/1\.1$/;
const URL_AT = "GET ".length;
const URL_BEFORE_LINE_END = " HTTP/1.1".length;
const asksForUpgrade = /(?:^|,)[\t ]*upgrade[\t ]*(?:,|$)/i;

/** A request as node:http makes it, whose headers are known, each of them once, and which has no body. */
class HandshakeRequest extends IncomingMessage {
  /** As node:http has it, although its documentation does not. */
  readonly upgrade = true;

  static {
    // To TypeScript it is a property, which an accessor cannot override.
    Object.defineProperty(HandshakeRequest.prototype, "headersDistinct", {
      get(this: IncomingMessage) {
        const entries = Object.entries(this.headers);
        return Object.fromEntries(entries.map(([name, value]) => [name, [String(value)]]));
      },
    });
  }
}

/** The handshake that `chunk` begins with (RFC 6455, 4.1), and its length; undefined where it is not whole and plain. */
function readHandshake(
  socket: Socket,
  chunk: Buffer,
  maxHeadBytes: number,
): { request: IncomingMessage; length: number } | undefined {
  const head = readHead(chunk, maxHeadBytes);
  if (head === undefined || !requestLine.test(head.line)) return undefined;
  const headers: IncomingMessage["headers"] = {};
  const rawHeaders: string[] = [];
  const isPlain = readFields(head.fields, (name, value, rawName) => {
    if (!isHandshakeField(name, value)) return false;
    // What every object has counts as there already.
    if (headers[name] !== undefined) return false;
    headers[name] = isKept(name) ? copyOf(value) : value;
    rawHeaders.push(rawName, value);
    return true;
  });
  if (!isPlain || headers.host === undefined || headers.connection === undefined) return undefined;
  if (headers.upgrade === undefined) return undefined;

  const request = new HandshakeRequest(socket);
  request.method = "GET";
  // Not as a part of the text, which it would hold as long as anybody holds it.
  request.url = chunk.toString("latin1", URL_AT, head.line.length - URL_BEFORE_LINE_END);
  request.httpVersion = "1.1";
  request.httpVersionMajor = 1;
  request.httpVersionMinor = 1;
  request.headers = headers;
  request.rawHeaders = rawHeaders;
  request.complete = true;
  request.push(null);
  return { request, length: head.length };
}

function isHandshakeField(name: string, value: string): boolean {
  if (name === "connection") return asksForUpgrade.test(value);
  if (name === "upgrade") return value.toLowerCase() === "websocket";
  return name !== "content-length" && !specialFields.has(name);
}

/** Of a handshake, `ws` keeps this one with the connection. */
function isKept(name: string): boolean {
  return name === "sec-websocket-protocol";
}

function copyOf(value: string): string {
  return Buffer.from(value, "latin1").toString("latin1");
}
