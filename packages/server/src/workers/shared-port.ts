import { createServer, type Server, type Socket } from "node:net";
import { listen } from "../http/server.js";
import type { WorkerLoad } from "./messages.js";
import type { WorkerProcess } from "./worker-process.js";

/**
 * The port that workers share. Each connection goes to the worker that has the fewest, of those that take clients if any
 * do, so that one that was replaced fills up again; a worker that has not taken its last one gets no other. What a worker did not take before it ended
 * goes to another.
 */
export class SharedPort {
  readonly #server: Server;
  readonly #workers = new Set<WorkerProcess>();
  readonly #waiting = new Set<Socket>();
  readonly #given = new Map<WorkerProcess, Socket>();

  /** @param options.patienceMs - how long a connection waits for a worker; then it is dropped. */
  constructor({ patienceMs, onError }: { patienceMs: number; onError: (error: Error) => void }) {
    this.#server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
      socket.on("error", () => socket.destroy());
      socket.once("close", () => this.#waiting.delete(socket));
      socket.setTimeout(patienceMs, () => socket.destroy());
      this.#waiting.add(socket);
      this.#distribute();
    });
    this.#server.on("error", (error) => {
      if (this.#server.listening) onError(error);
    });
  }

  /** @throws CenterError PORT_TAKEN or CONFIG_INVALID */
  listen(port: number, host: string): Promise<number> {
    return listen(this.#server, port, host);
  }

  /** It serves: it can be given connections. */
  add(worker: WorkerProcess): void {
    this.#workers.add(worker);
    this.#distribute();
  }

  /** It has what it was given. */
  took(worker: WorkerProcess): void {
    this.#given.get(worker)?.destroy();
    this.#given.delete(worker);
    this.#distribute();
  }

  /** It has ended, or cannot be reached. */
  remove(worker: WorkerProcess): void {
    this.#workers.delete(worker);
    const socket = this.#given.get(worker);
    this.#given.delete(worker);
    if (socket !== undefined && !socket.destroyed) this.#waiting.add(socket);
    this.#distribute();
  }

  /** Takes no connections any more, and drops those that wait. */
  close(): void {
    this.#server.close();
    for (const socket of [...this.#waiting, ...this.#given.values()]) socket.destroy();
  }

  #distribute(): void {
    for (const socket of this.#waiting) {
      const worker = this.#emptiest();
      if (worker === undefined) return;
      this.#waiting.delete(socket);
      this.#given.set(worker, socket);
      worker.give(socket);
    }
  }

  #emptiest(): WorkerProcess | undefined {
    let found: WorkerProcess | undefined;
    for (const worker of this.#workers) {
      if (this.#given.has(worker)) continue;
      if (found === undefined || isBefore(worker.load, found.load)) found = worker;
    }
    return found;
  }
}

function isBefore(one: WorkerLoad, other: WorkerLoad): boolean {
  if (one.takesClients !== other.takesClients) return one.takesClients;
  return one.sockets < other.sockets;
}
