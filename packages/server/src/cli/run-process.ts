import { constants } from "node:os";
import type { Logger } from "../log.js";

/** A center, a node, or several of them as one. */
export interface Runnable {
  start(): Promise<void>;
  drain(): Promise<void>;
  stop(): Promise<void>;
}

type StopSignal = "SIGTERM" | "SIGINT";

/**
 * Runs `part` until SIGTERM or SIGINT, then drains and stops it. It ends the process: with 0, or with 1 where
 * stopping failed or took longer than `shutdownGraceMs`. A second signal ends it at once with 128 + its number.
 *
 * @param settings.onStarted - called once `part` runs.
 * @throws what `start` threw, after everything was stopped again.
 */
export async function runProcess(
  part: Runnable,
  settings: { log: Logger; shutdownGraceMs: number; onStarted?: () => void },
): Promise<void> {
  const { log, shutdownGraceMs, onStarted } = settings;
  process.on("uncaughtException", (error) => {
    log.fatal({ err: error }, "a fault that nothing caught: the process ends");
    process.exit(1);
  });
  const signal = nextSignal();
  const signalDuringStart = await Promise.race([signal, startOrStop(part, log)]);
  if (signalDuringStart === undefined) onStarted?.();
  const received = await signal;
  void nextSignal().then((second) => process.exit(128 + constants.signals[second]));

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

/** Resolves with the next of the two signals; until then neither ends the process. */
function nextSignal(): Promise<StopSignal> {
  return new Promise((resolve) => {
    const settle = (signal: NodeJS.Signals): void => {
      process.off("SIGTERM", settle);
      process.off("SIGINT", settle);
      resolve(signal as StopSignal);
    };
    process.on("SIGTERM", settle);
    process.on("SIGINT", settle);
  });
}
