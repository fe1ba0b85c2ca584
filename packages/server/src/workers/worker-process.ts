import { type ChildProcess, fork } from "node:child_process";
import type { Socket } from "node:net";
import type { NodeConfig } from "../config/options.js";
import { CenterError } from "../errors.js";
import type { Answers, HostMessage, WorkerLoad, WorkerMessage } from "./messages.js";

export type Listening = Extract<WorkerMessage, { type: "listening" }>;

/** What a host hears of its workers, but for answers. Nothing of one comes after its `ended`. */
export interface WorkerObserver {
  onListening(worker: WorkerProcess, listening: Listening): void;
  /** It has the connection that it was given, or never will. */
  onTook(worker: WorkerProcess): void;
  onNotTaken(worker: WorkerProcess): void;
  onTake(worker: WorkerProcess, id: number, address: string): void;
  onRelease(worker: WorkerProcess, address: string): void;
  /** @param why - what it said of its failure, where it said something. */
  onEnded(worker: WorkerProcess, how: string, why: CenterError | undefined): void;
}

/** How long a worker may take to answer. */
const ANSWER_MS = 1000;

/** One worker, as its host sees it. */
export class WorkerProcess {
  /** Counted from 1; the one that replaces it has the same. */
  readonly number: number;
  /** The exit code, null where a signal ended it. */
  readonly ended: Promise<number | null>;
  /** As far as is known. */
  load: WorkerLoad = { sockets: 0, takesClients: true };
  /** Once it serves. */
  listening: Listening | undefined;
  readonly #child: ChildProcess;
  readonly #observer: WorkerObserver;
  readonly #asked = new Map<keyof Answers, { id: number; answer: Promise<unknown> }>();
  readonly #waiting = new Map<number, (value: unknown) => void>();
  #failure: CenterError | undefined;
  #lastId = 0;

  /** @param entry - the module that the process runs. */
  constructor(entry: URL, number: number, config: NodeConfig, observer: WorkerObserver) {
    this.number = number;
    this.#observer = observer;
    // Its argument is for people who look at the list of processes.
    const child = fork(entry, [`worker-${number}`], { serialization: "advanced" });
    this.#child = child;
    child.on("message", (message) => this.#hear(message as WorkerMessage));
    this.ended = new Promise((resolve) => {
      const end = (code: number | null, how: string): void => {
        for (const settle of this.#waiting.values()) settle(undefined);
        observer.onEnded(this, how, this.#failure);
        resolve(code);
      };
      // Not `exit`: what it said last comes before `close`.
      child.once("close", (code, signal) => end(code, signal ?? `exit code ${code}`));
      child.on("error", (error) => {
        this.#failure ??= new CenterError("INTERNAL", error.message);
        if (child.pid === undefined) end(null, "not started");
      });
    });
    this.send({ type: "start", worker: number, config });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  send(message: HostMessage): void {
    if (!this.#child.connected) return;
    // A channel that ends meanwhile belongs to a process that ends too.
    this.#child.send(message, () => undefined);
  }

  /** Hands the socket over; it stays open here too, until the observer is told what became of it. */
  give(socket: Socket): void {
    this.load.sockets += 1;
    this.#child.send({ type: "connection" } satisfies HostMessage, socket, { keepOpen: true }, (error) => {
      if (error !== null) this.#observer.onNotTaken(this);
    });
  }

  /** Undefined where it does not answer within a second, or has ended. */
  async ask<A extends keyof Answers>(about: A): Promise<Answers[A] | undefined> {
    if (!this.#child.connected) return undefined;
    // One that is stuck is asked once, not once for each time that somebody wants to know.
    const { answer } = this.#asked.get(about) ?? this.#newAsk(about);
    const answered = answer as Promise<Answers[A] | undefined>;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), ANSWER_MS);
    });
    const first = await Promise.race([answered, late]);
    clearTimeout(timer);
    return first;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #newAsk(about: keyof Answers): { id: number; answer: Promise<unknown> } {
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = new Promise<unknown>((resolve) => {
      this.#waiting.set(id, (value) => {
        this.#waiting.delete(id);
        this.#asked.delete(about);
        resolve(value);
      });
    });
    const asked = { id, answer };
    this.#asked.set(about, asked);
    this.send({ type: "ask", id, about });
    return asked;
  }

  #hear(message: WorkerMessage): void {
    switch (message.type) {
      case "listening":
        this.listening = message;
        this.#observer.onListening(this, message);
        break;
      case "failed":
        this.#failure = new CenterError(message.code ?? "INTERNAL", message.message);
        break;
      case "took":
        this.load = message.load;
        this.#observer.onTook(this);
        break;
      case "load":
        this.load = message.load;
        break;
      case "answer":
        this.#waiting.get(message.id)?.(message.value);
        break;
      case "take":
        this.#observer.onTake(this, message.id, message.address);
        break;
      case "release":
        this.#observer.onRelease(this, message.address);
        break;
    }
  }
}
