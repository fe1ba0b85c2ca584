import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { onTestFinished } from "vitest";

/** A line of an answer. */
export interface BatchAnswer {
  id: unknown;
  value?: unknown;
  nodes?: Record<string, unknown>;
  failures?: Record<string, { code: string; message: string }>;
  line?: number;
  error?: { code: string; message: string };
}

/** One `POST /batch` whose lines are sent one by one, and whose answers are kept as they come. */
export class BatchStream {
  readonly request: ClientRequest;
  readonly response: Promise<IncomingMessage>;
  /** Resolves with how the answer ended. */
  readonly ended: Promise<"whole" | "broken">;
  readonly texts: string[] = [];
  #rest = "";
  readonly #waiting = new Set<() => void>();

  constructor(http: string, options: { headers?: Record<string, string>; reads?: boolean } = {}) {
    const [host, port] = http.split(":");
    this.request = request({
      host,
      port,
      agent: false,
      path: "/batch",
      method: "POST",
      headers: { "Content-Type": "application/x-ndjson", ...options.headers },
    });
    // A center that goes away breaks the request as well as the answer.
    this.request.on("error", () => undefined);
    onTestFinished(() => {
      this.request.destroy();
    });
    this.response = new Promise((resolve) => this.request.once("response", resolve));
    this.ended = this.response.then(
      (response) =>
        new Promise((resolve) => {
          response.on("error", () => undefined);
          response.once("close", () => resolve(response.complete ? "whole" : "broken"));
          if (options.reads === false) response.pause();
          else this.read(response);
        }),
    );
    this.request.flushHeaders();
  }

  read(response: IncomingMessage): void {
    response.setEncoding("utf8");
    response.on("data", (text: string) => {
      const lines = (this.#rest + text).split("\n");
      this.#rest = lines.pop() ?? "";
      this.texts.push(...lines);
      for (const look of [...this.#waiting]) look();
    });
  }

  get answers(): BatchAnswer[] {
    return this.texts.map((text) => JSON.parse(text) as BatchAnswer);
  }

  send(...lines: (object | string | Buffer)[]): void {
    for (const line of lines) {
      const isRaw = typeof line === "string" || Buffer.isBuffer(line);
      this.request.write(isRaw ? line : `${JSON.stringify(line)}\n`);
    }
  }

  /** Resolves with the answers once there are so many. */
  until(count: number): Promise<BatchAnswer[]> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.texts.length < count) return;
        this.#waiting.delete(look);
        resolve(this.answers);
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Ends the body, and resolves with all answers. */
  async end(): Promise<BatchAnswer[]> {
    this.request.end();
    const how = await this.ended;
    if (how !== "whole") throw new Error(`the answer is ${how}: ${this.texts.length} lines came`);
    return this.answers;
  }
}

/** Sends lines as one stream, and resolves with the answers in the order in which they came. */
export function sendAll(http: string, lines: readonly (object | string | Buffer)[]): Promise<BatchAnswer[]> {
  const stream = new BatchStream(http);
  stream.send(...lines);
  return stream.end();
}

export function byId(answers: readonly BatchAnswer[]): Map<unknown, BatchAnswer> {
  return new Map(answers.map((answer) => [answer.id, answer]));
}
