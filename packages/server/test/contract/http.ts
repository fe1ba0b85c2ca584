import { Agent, request } from "node:http";
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface Ask {
  readonly method?: string;
  /** Written as it is: characters above 0x7F go out as single bytes (see {@link rawBytes}). */
  readonly path?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
  /** Sends the body in chunks of unknown total length instead of with a Content-Length. */
  readonly chunked?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A keep-alive client that adds nothing to a request and mends nothing in it. */
export class HttpClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });

  ask(port: number, ask: Ask = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const body = typeof ask.body === "string" ? Buffer.from(ask.body) : ask.body;
      const length =
        body === undefined || ask.chunked === true ? {} : { "content-length": String(body.byteLength) };
      const outgoing = request({
        agent: this.#agent,
        host: "127.0.0.1",
        port,
        method: ask.method ?? (body === undefined ? "GET" : "POST"),
        path: ask.path ?? "/",
        headers: { ...length, ...ask.headers },
      });
      let answered = false;
      outgoing.on("error", (error) => {
        // A refused body may end in a reset after the answer: the answer counts.
        if (!answered) {
          reject(error);
        }
      });
      outgoing.on("response", (incoming) => {
        answered = true;
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.on("error", reject);
        incoming.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text });
        });
      });
      if (body !== undefined && ask.chunked === true) {
        outgoing.write(body.subarray(0, body.byteLength >> 1));
        outgoing.end(body.subarray(body.byteLength >> 1));
      } else {
        outgoing.end(body);
      }
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** The UTF-8 bytes of `text`, one character each, so that they reach the wire unescaped. */
export function rawBytes(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

export function parse(answer: Answer): Json {
  try {
    return JSON.parse(answer.text) as Json;
  } catch (cause) {
    throw new Error(`not JSON, status ${answer.status}: ${answer.text.slice(0, 500)}`, { cause });
  }
}

export function isObject(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `{"code":1,"msg":"...","data":[]}` and nothing else. */
export function isFailure(value: Json | undefined): boolean {
  return (
    isObject(value) &&
    Object.keys(value).sort().join() === "code,data,msg" &&
    value["code"] === 1 &&
    typeof value["msg"] === "string" &&
    value["msg"] !== "" &&
    Array.isArray(value["data"]) &&
    value["data"].length === 0
  );
}

/** One text for equal values: keys sorted, own keys only, so that `__proto__` is a key like others. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) {
    return `[${value.map(canonical).join(",")}]`;
  }
  if (isObject(value)) {
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

/** The part of an answer that a test looks at, with a text that says what came when it is not there. */
export function dataOf(answer: Answer): { [key: string]: Json } {
  const json = parse(answer);
  const data = isObject(json) ? json["data"] : undefined;
  if (answer.status !== 200 || !isObject(json) || json["code"] !== 0 || !isObject(data)) {
    throw new Error(`no success, status ${answer.status}: ${answer.text.slice(0, 500)}`);
  }
  return data;
}
