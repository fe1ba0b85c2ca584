// The load programs (load/*.c), as a row of the benchmark uses them.
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { cores, Program } from "./process.mjs";
import { programs, resultsFolder } from "./setup.mjs";

/**
 * Opens WebSocket connections to a server.
 * @throws Error where not all are let in, unless `mayRefuse`; then `connected.refused` says how many.
 */
export async function openConnections({ ports, connections, args = [], watch = [], mayRefuse = false }) {
  const program = new Program(
    [
      programs.wsLoad,
      ...["--ports", ports.join(",")],
      ...["--connections", String(connections)],
      // Ephemeral ports of one address are some 28,000.
      ...["--sources", String(Math.ceil(connections / 10_000))],
      ...(watch.length > 0 ? ["--watch", watch.join(",")] : []),
      ...args,
    ],
    { core: cores.load, name: "ws-load" },
  );
  const connected = await program.ask("connect");
  if (connected.refused > 0 && !mayRefuse) {
    throw new Error(`${connected.refused} of ${connections} clients were not let in: ${program.errors}`);
  }
  return {
    program,
    connected,
    settle: () => program.ask("settle"),
    count: () => program.ask("count"),
    wait: (bytes, seconds) => program.ask(`wait ${bytes} ${seconds}`),
    /** Ticks, one after the other, each when the last has arrived everywhere. */
    ticks: (seconds, bytes, file) => program.ask(`ticks ${seconds} ${bytes} ${file}`),
    /** Stamps to the tick target, so many a second. */
    pace: (seconds, rate) => program.ask(`pace ${seconds} ${rate}`),
    /** What the watched processes have used, in seconds. */
    clock: async () => (await program.ask("clock")).serverCpu,
    stop: () => program.stop(),
  };
}

/** Sends requests over keep-alive connections (load/http-load.c); `rate` 0: as fast as they are answered. */
export async function sendRequests({
  port,
  request,
  expect,
  numbers,
  seconds,
  rate = 0,
  warmUp = 0,
  watch = [],
}) {
  const program = new Program(
    [
      programs.httpLoad,
      ...["--port", String(port)],
      ...["--connections", "64"],
      ...["--request", request],
      ...["--expect", expect],
      ...["--numbers", String(numbers)],
      ...["--seconds", String(seconds)],
      ...["--warm-up", String(warmUp)],
      ...["--rate", String(rate)],
      ...(watch.length > 0 ? ["--watch", watch.join(",")] : []),
    ],
    { core: cores.load, name: "http-load" },
  );
  const result = await program.answer();
  await program.stop();
  if (result.failed > 0) throw new Error(`${result.failed} requests had a wrong answer`);
  return result;
}

/** Streams commands to `POST /batch` (load/batch-load.c), `window` of them in flight. `line`: without its `{"id":…,`. */
export async function sendBatch({ port, line, expect, numbers, seconds, window, warmUp = 0, watch = [] }) {
  const program = new Program(
    [
      programs.batchLoad,
      ...["--port", String(port)],
      ...["--window", String(window)],
      ...["--line", line],
      ...["--expect", expect],
      ...["--numbers", String(numbers)],
      ...["--seconds", String(seconds)],
      ...["--warm-up", String(warmUp)],
      ...(watch.length > 0 ? ["--watch", watch.join(",")] : []),
    ],
    { core: cores.load, name: "batch-load" },
  );
  const result = await program.answer();
  await program.stop();
  if (result.failed > 0) throw new Error(`${result.failed} commands had a wrong answer`);
  return result;
}

/** A GET request of the classic API as the load program sends it. */
export function classicRequest(event, parameters) {
  const query = Object.entries(parameters).map(([key, value]) => `${event}[${key}]=${value}`);
  return `GET /?event=${event}&${query.join("&")} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
}

/** What the load program puts another number and the time for (load/http-load.c). */
export const NUMBER = "@NUMBER@@";
export const TIME = "@TIME@@@@@@@@@@@@@@";

let files = 0;

/** Keeps bytes in a file, from which the load program takes them. */
export function inFile(bytes) {
  const folder = path.join(resultsFolder, "blobs");
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, String((files += 1)));
  writeFileSync(file, bytes);
  return file;
}
