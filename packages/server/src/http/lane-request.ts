import type { IncomingHttpHeaders } from "node:http";
import { readFields, readHead, specialFields } from "./plain-head.js";

/** A request that came whole, with nothing in it that asks for more than an answer. */
export interface LaneRequest {
  method: "GET" | "POST";
  url: string;
  headers: IncomingHttpHeaders;
  /** Undefined where it has none. */
  body: Buffer | undefined;
  /** How many bytes of the chunk it takes. */
  length: number;
}

/** The request line of a call to the classic API, at the path where nothing else is. */
const requestLine = /^(GET|POST) (\/(?:\?[!"$-~]*)?) HTTP\/1\.1$/;
/** Larger heads are not kept for the next request: idle connections would hold them. */
const MAX_KEPT_HEAD_BYTES = 2048;

/** Reads requests of one connection, whose header fields are mostly the same each time. */
export class LaneReader {
  readonly #maxHeadBytes: number;
  readonly #maxBodyBytes: number;
  #text = "";
  #headers: IncomingHttpHeaders = {};

  constructor(limits: { maxHeadBytes: number; maxBodyBytes: number }) {
    this.#maxHeadBytes = limits.maxHeadBytes;
    this.#maxBodyBytes = limits.maxBodyBytes;
  }

  /**
   * The first request of `chunk`; undefined where it is not whole, or not of the plainest kind (RFC 9112): then a whole
   * HTTP parser has to judge it. What is let through here is less than what any parser lets through.
   */
  read(chunk: Buffer): LaneRequest | undefined {
    const head = readHead(chunk, this.#maxHeadBytes);
    if (head === undefined) return undefined;
    const line = requestLine.exec(head.line);
    if (line === null) return undefined;
    const bodyAt = head.length;
    const headers = this.#readHeaders(head.fields, bodyAt <= MAX_KEPT_HEAD_BYTES);
    if (headers === undefined) return undefined;
    const bodyLength = lengthOf(headers["content-length"]);
    if (!(bodyLength <= this.#maxBodyBytes) || chunk.length < bodyAt + bodyLength) return undefined;
    const method = line[1] === "GET" ? "GET" : "POST";
    // Nothing says what a body of a GET means.
    if (method === "GET" && bodyLength > 0) return undefined;
    return {
      method,
      url: line[2] ?? "/",
      headers,
      body: method === "POST" ? chunk.subarray(bodyAt, bodyAt + bodyLength) : undefined,
      length: bodyAt + bodyLength,
    };
  }

  #readHeaders(text: string, isKept: boolean): IncomingHttpHeaders | undefined {
    if (text === this.#text) return this.#headers;
    // Without a prototype, `__proto__` is a name like any other.
    const headers = Object.create(null) as IncomingHttpHeaders;
    const isPlain = readFields(text, (name, value) => {
      const isSpecial = specialFields.has(name);
      if (isSpecial && (name !== "connection" || value.toLowerCase() !== "keep-alive")) return false;
      if (headers[name] !== undefined) return false;
      headers[name] = value;
      return true;
    });
    if (!isPlain) return undefined;
    if (headers.host === undefined) return undefined;
    if (isKept) {
      // A part of the head's text, which holds the whole.
      this.#text = text;
      this.#headers = headers;
    }
    return headers;
  }
}

/** NaN for what is no length. */
function lengthOf(text: string | undefined): number {
  if (text === undefined) return 0;
  return /^[0-9]{1,9}$/.test(text) ? Number(text) : NaN;
}
