import { constants } from "node:os";
import type { Logger } from "../log.js";

/** A center, a node, or several of them as one. */
export interface Runnable {
  start(): Promise<void>;
  drain(): Promise<void>;
  stop(): Promise<void>;
}

type StopSignal = "SIGTERM" | "SIGINT";

/** Signals this near to the first are the same one: on Ctrl-C, the terminal and npm both send SIGINT. */
const SAME_SIGNAL_MS = 200;

/**
 * Runs `part` until SIGTERM or SIGINT, then drains and stops it. It ends the process: with 0, or with 1 where
 * stopping failed or took longer than `shutdownGraceMs`. A second signal ends it at once with 128 + its number.
 *
 * @param settings.onStarted - called once `part` runs.
 * @param settings.stopAsked - resolves with a reason to stop, as a signal is one.
 * @throws what `start` threw, after everything was stopped again.
 */
export async function runProcess(
  part: Runnable,
  settings: { log: Logger; shutdownGraceMs: number; onStarted?: () => void; stopAsked?: Promise<string> },
): Promise<void> {
  const { log, shutdownGraceMs, onStarted, stopAsked } = settings;
  process.on("uncaughtException", (error) => {
    log.fatal({ err: error }, "a fault that nothing caught: the process ends");
    process.exit(1);
  });
  const signal = Promise.race<string>([firstStopSignal(), ...(stopAsked === undefined ? [] : [stopAsked])]);
  const signalDuringStart = await Promise.race([signal, startOrStop(part, log)]);
  if (signalDuringStart === undefined) onStarted?.();
  const received = await signal;

  log.info(`${received}: stopping`);
  setTimeout(() => {
    log.error(`still not stopped after ${shutdownGraceMs} ms: the process ends anyway`);
    process.exit(1);
  }, shutdownGraceMs);
  try {
    await part.drain();
    await part.stop();
  } catch (error) {
    log.error({ err: error }, "stopping failed");
    process.exit(1);
  }
  log.info("stopped");
  process.exit(0);
}

async function startOrStop(part: Runnable, log: Logger): Promise<undefined> {
  try {
    await part.start();
  } catch (error) {
    await part.stop().catch((stopError: unknown) => log.error({ err: stopError }, "stopping failed"));
    throw error;
  }
}

/** Resolves with the first signal that asks to stop. One that comes later ends the process. */
function firstStopSignal(): Promise<StopSignal> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    const onSignal = (signal: StopSignal): void => {
      firstAt ??= performance.now();
      resolve(signal);
      if (performance.now() - firstAt > SAME_SIGNAL_MS) process.exit(128 + constants.signals[signal]);
    };
    process.on("SIGTERM", () => onSignal("SIGTERM"));
    process.on("SIGINT", () => onSignal("SIGINT"));
  });
}
