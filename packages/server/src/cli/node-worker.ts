import { CenterError, messageOf } from "../errors.js";
import { createLogger } from "../log.js";
import { HostChannel } from "../workers/host-channel.js";
import { Worker } from "../workers/worker.js";
import { EXIT_FAILURE } from "./report-failure.js";
import { runProcess } from "./run-process.js";

/** The module that each worker of `websocket-center node --workers` runs: it is told everything by its host. */
const channel = new HostChannel();
const start = await channel.started;
const { logLevel: level, logFormat: format, shutdownGraceMs } = start.config;
const log = createLogger({ level, format, name: "node" }).child({ worker: start.worker });
try {
  const worker = new Worker(start, { channel, log });
  await runProcess(worker, { log, shutdownGraceMs, stopAsked: channel.stopAsked });
} catch (error) {
  const code = error instanceof CenterError ? error.code : undefined;
  if (code === undefined) log.fatal({ err: error }, "a worker could not start");
  await channel.sendLast({ type: "failed", code, message: messageOf(error) });
  process.exit(EXIT_FAILURE);
}
