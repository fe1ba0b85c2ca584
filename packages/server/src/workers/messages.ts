import type { ErrorCode } from "@websocket-center/protocol";
import type { Registry } from "prom-client";
import type { NodeConfig } from "../config/options.js";
import type { Refusal } from "../node/upgrade.js";

/** The metrics of one process, as it tells them to another. */
export type MetricsSnapshot = Awaited<ReturnType<Registry["getMetricsAsJSON"]>>;

/** What a worker can be asked for. */
export interface Answers {
  metrics: MetricsSnapshot;
  /** The reasons why it is not ready. */
  readiness: string[];
}

export interface WorkerLoad {
  /** TCP connections of its own port and of the shared one. */
  sockets: number;
  /** Neither full nor draining. */
  takesClients: boolean;
}

export interface StartMessage {
  type: "start";
  /** Counted from 1. */
  worker: number;
  /** Secrets included: they are in no argument and no variable that was not there before. */
  config: NodeConfig;
}

/** What the host says to a worker. A `connection` comes with its socket. */
export type HostMessage =
  | StartMessage
  | { type: "connection" }
  | { type: "ask"; id: number; about: keyof Answers }
  | { type: "placed"; id: number; refusal: Refusal | undefined }
  | { type: "full"; isFull: boolean }
  | { type: "stop" };

/** What a worker says to its host. */
export type WorkerMessage =
  | { type: "listening"; nodeId: string; port: number; publicUrl: string }
  | { type: "failed"; code: ErrorCode | undefined; message: string }
  /** It has the connection that it was given last. */
  | { type: "took"; load: WorkerLoad }
  /** Said when it has changed, ten times a second at most. */
  | { type: "load"; load: WorkerLoad }
  | { type: "answer"; id: number; value: Answers[keyof Answers] }
  | { type: "take"; id: number; address: string }
  | { type: "release"; address: string };
