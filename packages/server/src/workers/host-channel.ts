import { Socket } from "node:net";
import type { HostMessage, StartMessage, WorkerMessage } from "./messages.js";

/** What a host says while its worker runs, but for connections. */
export type RunningMessage = Exclude<HostMessage, { type: "start" | "stop" | "connection" }>;

/** A worker's line to its host. */
export class HostChannel {
  /** Resolves with the first message. */
  readonly started: Promise<StartMessage>;
  /** Resolves with the reason when the worker shall stop: the host says so, or is gone. */
  readonly stopAsked: Promise<string>;
  /** Resolves when the host is gone. */
  readonly gone: Promise<void>;
  /** These two are set before the worker is `listening`, and hear nothing before. */
  onMessage: ((message: RunningMessage) => void) | undefined;
  /** The socket is undefined where it was closed on its way. */
  onConnection: ((socket: Socket | undefined) => void) | undefined;

  constructor() {
    this.gone = new Promise((resolve) => process.once("disconnect", resolve));
    let start: (message: StartMessage) => void;
    let stop: (reason: string) => void;
    this.started = new Promise((resolve) => (start = resolve));
    this.stopAsked = new Promise((resolve) => (stop = resolve));
    void this.gone.then(() => stop("the process that supervises is gone"));
    process.on("message", (message: HostMessage, handle: unknown) => {
      if (message.type === "start") start(message);
      else if (message.type === "stop") stop("told to stop");
      else if (message.type === "connection") {
        this.onConnection?.(handle instanceof Socket ? handle : undefined);
      } else this.onMessage?.(message);
    });
  }

  send(message: WorkerMessage): void {
    // Whoever is not there any more needs no answer.
    if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
  }

  /** Sends it, and resolves once it is out. */
  sendLast(message: WorkerMessage): Promise<void> {
    return new Promise((resolve) => {
      if (process.connected) process.send?.(message, undefined, undefined, () => resolve());
      else resolve();
    });
  }
}
