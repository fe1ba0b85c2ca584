// The load programs (load/*.c), as a row of the benchmark uses them.
import { writeFileSync } from "node:fs";
import path from "node:path";
import { cores, Program } from "./process.mjs";
import { programs, resultsFolder } from "./setup.mjs";

/** Opens WebSocket connections to a server, and checks that all are let in. */
export async function openConnections({ ports, connections, args = [], watch = [] }) {
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
  if (connected.refused > 0) throw new Error(`${connected.refused} of ${connections} clients were not let in`);
  return {
    program,
    connected,
    settle: () => program.ask("settle"),
    count: () => program.ask("count"),
    wait: (bytes, seconds) => program.ask(`wait ${bytes} ${seconds}`),
    /** Ticks, one after the other, each when the last has arrived everywhere. */
    ticks: (seconds, bytes, file) => program.ask(`ticks ${seconds} ${bytes} ${file}`),
    stop: () => program.stop(),
  };
}

let files = 0;

/** Keeps bytes in a file, from which the load program takes them. */
export function inFile(bytes) {
  const file = path.join(resultsFolder, `blob-${(files += 1)}`);
  writeFileSync(file, bytes);
  return file;
}
