import type { Rate } from "./plan.js";

export interface Paced {
  /** How many began. */
  sent: number;
  /** Were due in time, and not begun: too many waited for their answers. */
  unsent: number;
  /** From the first to the last answer. */
  seconds: number;
}

/**
 * Calls `send` for numbers from 0 on, for so many seconds, then waits for those that run. At a rate, a call is due by
 * the clock whatever the others do (an open loop): `dueAt` is that moment, also where the call had to wait for its
 * turn. At `max` it is due when it begins.
 *
 * @param settings.send - must not reject, and must end in bounded time.
 */
export function pace(settings: {
  rate: Rate;
  seconds: number;
  inFlight: number;
  signal: AbortSignal;
  send: (number: number, dueAt: number) => Promise<void>;
}): Promise<Paced> {
  const { rate, seconds, inFlight, signal, send } = settings;
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1000;
  let sent = 0;
  let running = 0;
  const dueAt = (number: number): number =>
    rate === "max" ? performance.now() : startedAt + (number * 1000) / rate;
  const isDue = (): boolean => rate === "max" || dueAt(sent) <= performance.now();
  const mayLaunch = (): boolean => running < inFlight && isDue() && dueAt(sent) < endsAt;
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const launch = (): void => {
      const due = dueAt(sent);
      running += 1;
      void send(sent, due).then(() => {
        running -= 1;
        go();
      });
      sent += 1;
    };
    const go = (): void => {
      clearTimeout(timer);
      if (signal.aborted || performance.now() >= endsAt) {
        if (running === 0) finish();
        return;
      }
      while (mayLaunch()) launch();
      const nextAt = running < inFlight ? Math.min(dueAt(sent), endsAt) : endsAt;
      timer = setTimeout(go, Math.max(0, nextAt - performance.now()));
    };
    const finish = (): void => {
      signal.removeEventListener("abort", go);
      const due = rate === "max" || signal.aborted ? sent : Math.ceil(seconds * rate);
      resolve({ sent, unsent: due - sent, seconds: (performance.now() - startedAt) / 1000 });
    };
    signal.addEventListener("abort", go);
    go();
  });
}

/**
 * Runs `work` for 0 to `count` - 1, at most `atOnce` at a time. Ends with the first that rejects, or once `isOver`
 * says so: then those that run are waited for, and no further begins.
 */
export async function inParallel(
  count: number,
  atOnce: number,
  isOver: () => boolean,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  let hasFailed = false;
  const lane = async (): Promise<void> => {
    while (next < count && !hasFailed && !isOver()) {
      try {
        await work(next++);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(atOnce, count) }, lane));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}
