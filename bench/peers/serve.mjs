/** What a frame of every peer carries. */
export const PAYLOAD_BYTES = 64;

export const payload = "x".repeat(PAYLOAD_BYTES);

/**
 * What every server program of the benchmark says and hears: it tells its port as a line of JSON, and then does what
 * single bytes on its standard input say, each in a turn of the event loop of its own:
 * `t` sends one message to everybody, `s` sixteen, `m` tells the memory after a forced collection.
 * It ends when its standard input does.
 */
export function serve(port, tick, others = {}) {
  const run = {
    t: () => tick(1),
    s: () => tick(16),
    m: () => {
      globalThis.gc?.();
      globalThis.gc?.();
      // Once more, when what the first collection let go has been finalized.
      setTimeout(() => {
        globalThis.gc?.();
        console.log(JSON.stringify({ memory: process.memoryUsage() }));
      }, 200);
    },
    ...others,
  };
  process.stdin.on("data", (bytes) => {
    let first = true;
    for (const command of String(bytes)) {
      if (first) run[command]?.();
      else setImmediate(() => run[command]?.());
      first = false;
    }
  });
  process.stdin.on("end", () => process.exit(0));
  console.log(JSON.stringify({ port }));
}
