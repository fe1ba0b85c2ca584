import { onTestFinished } from "vitest";
import {
  type Center,
  type CenterOptions,
  createCenter,
  createLogger,
  createNode,
  type NodeOptions,
  type WebSocketNode,
} from "../../src/index.js";

interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** Keeps what a process logs, and tells when a line comes. */
export class LogBook {
  readonly lines: LogLine[] = [];
  readonly log = createLogger({ level: "debug", format: "json", name: "test", stream: this });
  readonly #waiting = new Set<() => void>();

  /** The stream that the logger writes to. */
  write(text: string): void {
    this.lines.push(JSON.parse(text) as LogLine);
    for (const look of [...this.#waiting]) look();
  }

  /** The lines whose message has `part` in it. */
  with(part: string): LogLine[] {
    return this.lines.filter(({ msg }) => msg.includes(part));
  }

  /** Resolves with the `count`th line whose message has `part` in it. */
  until(part: string, count = 1): Promise<LogLine> {
    return new Promise((resolve) => {
      const look = (): void => {
        const line = this.with(part)[count - 1];
        if (line === undefined) return;
        this.#waiting.delete(look);
        resolve(line);
      };
      this.#waiting.add(look);
      look();
    });
  }
}

/** A center on free ports of loopback, which stops when the test ends. */
export async function startCenter(options: CenterOptions = {}): Promise<{ center: Center; book: LogBook }> {
  const book = new LogBook();
  const center = createCenter({ linkPort: 0, httpPort: 0, ...options }, { log: book.log });
  onTestFinished(() => center.stop());
  await center.start();
  return { center, book };
}

/** A node on a free port of loopback, which stops when the test ends. */
export async function startNode(options: NodeOptions = {}): Promise<{ node: WebSocketNode; book: LogBook }> {
  const book = new LogBook();
  const node = createNode({ port: 0, centers: [], ...options }, { log: book.log });
  onTestFinished(() => node.stop());
  await node.start();
  return { node, book };
}

export function portOf(address: string): string {
  return address.slice(address.lastIndexOf(":") + 1);
}
