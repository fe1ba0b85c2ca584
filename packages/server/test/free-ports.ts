import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below the ports that systems give out by themselves (from 32768 on Linux, from 49152 elsewhere): one of those may
 * become an end of anybody's connection between being found free and being used. A worker of the test run has a part
 * of its own, so that two of them never find the same.
 */
const FIRST = 15_000;
const PORTS_A_WORKER = 2_000;
const WORKERS = 8;

const first = FIRST + (Number(process.env["VITEST_POOL_ID"] ?? 0) % WORKERS) * PORTS_A_WORKER;
let next = Math.floor(Math.random() * PORTS_A_WORKER);

/** A port of loopback on which nobody listens, for a server that cannot say which one it got, or for none. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS_A_WORKER; tries += 1) {
    next = (next + 1) % PORTS_A_WORKER;
    const port = first + next;
    if (await isFree(port)) return port;
  }
  throw new Error(`no port from ${first} to ${first + PORTS_A_WORKER - 1} is free`);
}

/** As many different ones. */
export function freePorts(count: number): Promise<number[]> {
  return Promise.all(Array.from({ length: count }, freePort));
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}
