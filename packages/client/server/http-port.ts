import { Agent, type ClientRequest, type IncomingMessage, request as requestPlain } from "node:http";
import { Agent as TlsAgent, request as requestTls } from "node:https";
import { type Attempt, notTaken, refused, reported, unknown } from "./attempt.js";
import { CenterError, messageOf } from "./errors.js";
import { isRecord } from "./results.js";

/** How long a center may take to show that it reads: an answer to a handshake, to `Expect`, to `/readyz`. */
export const SIGN_OF_LIFE_MS = 1000;
/** What an answer may take longer than the deadline that the center itself keeps. */
export const LATE_MS = 500;
/** Shorter than any server or load balancer keeps one that nobody uses. */
const IDLE_SOCKET_MS = 5000;
const MAX_SOCKETS = 64;

const READY = "readyz";

/** Whether node:http is that of Node.js: others imitate it, without telling when a server asks for the body. */
const isNode = !("bun" in process.versions || "deno" in process.versions);

export interface Exchange {
  method: "GET" | "POST";
  /** Without a slash at its beginning. */
  path: string;
  /** Made when it is sent. */
  body?: () => string;
  /** A second run does no harm. */
  isRead: boolean;
  /** By `performance.now()`. */
  endsAt: number;
  signal?: AbortSignal | undefined;
}

/** The HTTP port of a center, with the connections to it that are kept. */
export class HttpPort {
  readonly url: URL;
  readonly #agent: Agent;
  readonly #token: () => Promise<string | undefined>;
  /** Gives up an exchange that has no connection yet, since all are in use. */
  readonly #waiting = new Set<(why: string) => void>();

  constructor(url: URL, token: () => Promise<string | undefined>) {
    this.url = url;
    this.#token = token;
    const options = { keepAlive: true, timeout: IDLE_SOCKET_MS, maxSockets: MAX_SOCKETS };
    this.#agent = url.protocol === "https:" ? new TlsAgent(options) : new Agent(options);
  }

  /** @throws CenterError TOKEN_FAILED */
  async authorization(): Promise<Record<string, string>> {
    const token = await this.#token();
    return token === undefined ? {} : { Authorization: `Bearer ${token}` };
  }

  /** @param agent - false for a connection of its own. */
  request(
    method: "GET" | "POST",
    path: string,
    { agent, headers }: { agent?: false; headers: Record<string, string> },
  ): ClientRequest {
    const request = this.url.protocol === "https:" ? requestTls : requestPlain;
    return request(new URL(path, this.url), { method, headers, agent: agent ?? this.#agent });
  }

  /**
   * Asks, and reads the JSON that comes back. Never rejects.
   *
   * A change or send holds its body back until the center asks for it (`Expect: 100-continue`, RFC 9110, 10.1.1). So it
   * was surely not run where a center is frozen, or had closed the kept connection in the same moment.
   */
  exchange(ask: Exchange): Promise<Attempt<unknown>> {
    return new Promise((resolve) => {
      let request: ClientRequest | undefined;
      let mayHaveRun = false;
      let silence: NodeJS.Timeout | undefined;
      let isOver = false;
      const settle = (attempt: Attempt<unknown>): void => {
        isOver = true;
        clearTimeout(deadline);
        clearTimeout(silence);
        ask.signal?.removeEventListener("abort", onAbort);
        this.#waiting.delete(giveUp);
        resolve(attempt);
      };
      const giveUp = (why: string, cause?: unknown): void => {
        const text = `${this.url.origin}: ${why}`;
        settle(mayHaveRun ? unknown(text, cause) : notTaken(text, cause));
        request?.destroy();
      };
      const onAbort = (): void => giveUp("the call was given up");
      const deadline = setTimeout(
        () => giveUp("no answer in time"),
        Math.max(0, ask.endsAt - performance.now()) + LATE_MS,
      );
      ask.signal?.addEventListener("abort", onAbort, { once: true });
      const begin = (headers: Record<string, string>): void => {
        if (isOver) return;
        const body = ask.body;
        const holdsBack = body !== undefined && !ask.isRead && isNode;
        request = this.request(ask.method, ask.path, {
          headers: {
            ...headers,
            ...(body === undefined ? {} : { "Content-Type": "application/json" }),
            ...(holdsBack ? { Expect: "100-continue", "Transfer-Encoding": "chunked" } : {}),
          },
          // A question for a sign of life does not wait behind calls that get none.
          ...(ask.path === READY ? { agent: false } : {}),
        });
        if (holdsBack || ask.isRead) this.#waiting.add(giveUp);
        const sendBody = (): void => {
          if (holdsBack) clearTimeout(silence);
          if (isOver) return;
          mayHaveRun = true;
          request?.end(body?.());
        };
        const onSilence = async (): Promise<void> => {
          if (holdsBack || !(await this.isReady())) giveUp("it gave no sign of life");
        };
        request.once("socket", () => {
          this.#waiting.delete(giveUp);
          if (holdsBack || (ask.isRead && ask.path !== READY)) {
            silence = setTimeout(() => void onSilence(), SIGN_OF_LIFE_MS);
          }
        });
        request.once("continue", sendBody);
        let hasAnswer = false;
        request.once("response", (response) => {
          hasAnswer = true;
          clearTimeout(silence);
          readJson(response).then(
            ({ status, json }) => {
              settle(judge(this.url.origin, status, json));
              if (holdsBack && !mayHaveRun) request?.destroy();
            },
            (error: unknown) => giveUp(messageOf(error), error),
          );
        });
        request.on("error", (error: NodeJS.ErrnoException) => {
          if (neverConnected.has(error.code ?? "")) mayHaveRun = false;
          giveUp(messageOf(error), error);
        });
        request.once("close", () => {
          if (!hasAnswer) giveUp("the connection ended without an answer");
        });
        if (holdsBack) request.flushHeaders();
        else sendBody();
      };
      this.authorization().then(begin, (error: unknown) => settle(tokenFailed(error)));
    });
  }

  /** The center rests: what waits for a connection to it goes to another at once. */
  giveBack(why: string): void {
    for (const giveUp of this.#waiting) giveUp(why);
  }

  /** Whether the center says that work may be sent to it. */
  async isReady(): Promise<boolean> {
    const attempt = await this.exchange({
      method: "GET",
      path: READY,
      isRead: true,
      endsAt: performance.now() + SIGN_OF_LIFE_MS - LATE_MS,
    });
    return attempt.kind === "answered" && isRecord(attempt.value) && attempt.value["ready"] === true;
  }

  close(): void {
    this.#agent.destroy();
  }
}

const neverConnected: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ConnectionRefused",
]);

export function tokenFailed(error: unknown): Attempt<never> {
  const known = error instanceof CenterError ? error : new CenterError("TOKEN_FAILED", messageOf(error));
  return { kind: "not-run", error: known, verdict: "final" };
}

export async function readJson(response: IncomingMessage): Promise<{ status: number; json: unknown }> {
  response.setEncoding("utf8");
  let text = "";
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode ?? 0, json: parse(text) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // No JSON, so no answer of a center: whoever asked says so.
    return undefined;
  }
}

/** What an answer says of the call: `answered` with its JSON, or a problem. */
export function judge(from: string, status: number, json: unknown): Attempt<unknown> {
  if (!isRecord(json)) return judgeForeign(from, status);
  // A problem document that has results tells what came of the call at each node.
  if (typeof json["code"] === "string" && !Array.isArray(json["results"])) {
    return reported(json["code"], `${from}: ${String(json["detail"])}`);
  }
  if (json["code"] === 1) return judgeClassic(from, status, String(json["msg"]));
  return { kind: "answered", value: json };
}

/** A failure in the shape of the classic API, which owns every path that is no endpoint. */
function judgeClassic(from: string, status: number, message: string): Attempt<never> {
  if (message === "internal error") return reported("INTERNAL", `${from}: ${message}`);
  if (status === 408) return notTaken(`${from}: ${message}`);
  if (status === 413) return refused("CALL_TOO_LARGE", `${from}: ${message}`);
  if (status === 403) return refused("TOKEN_REQUIRED", `${from}: ${message}`);
  return foreign(
    `${from} has no such endpoint: is that a center's HTTP port? It answered ${status} ${message}`,
  );
}

function judgeForeign(from: string, status: number): Attempt<never> {
  if (status >= 400 && status < 500) return foreign(`${from} answered ${status}, and not as a center does`);
  return unknown(`${from} answered ${status}, and not as a center does`);
}

function foreign(message: string): Attempt<never> {
  return { kind: "not-run", error: new CenterError("NOT_A_CENTER", message), verdict: "elsewhere" };
}
