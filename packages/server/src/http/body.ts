import type { IncomingMessage, ServerResponse } from "node:http";

/**
 * How reading a body ended. `parsed`: an application's own body parser had read it, and left `value`. `taken`: somebody
 * had read it, and left nothing. `aborted`: the caller went away first.
 */
export type BodyReading =
  | { kind: "bytes"; bytes: Buffer }
  | { kind: "parsed"; value: unknown }
  | { kind: "taken" }
  | { kind: "tooLarge" }
  | { kind: "aborted" };

/** How long a body may take to arrive. */
const BODY_TIMEOUT_MS = 300_000;

/**
 * Reads a request's body, of at most `maxBytes`.
 *
 * A body that takes longer than 5 minutes ends its connection. One that says or turns out to be larger is given up at once, unread: answer it with {@link endAfterBody}. Always
 * settles, and never rejects.
 */
export function readBody(req: IncomingMessage, maxBytes: number): Promise<BodyReading> {
  if (req.readableEnded) return Promise.resolve(readElsewhere(req, maxBytes));
  if (req.destroyed) return Promise.resolve({ kind: "aborted" });
  if (Number(req.headers["content-length"] ?? 0) > maxBytes) return Promise.resolve({ kind: "tooLarge" });
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const settle = (reading: BodyReading): void => {
      clearTimeout(timer);
      req.off("data", onData).off("end", onEnd).off("close", onAbort).off("error", onAbort);
      // An error may still follow, and would end the process if nobody heard it.
      req.on("error", ignore);
      resolve(reading);
    };
    const onData = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > maxBytes) {
        req.pause();
        settle({ kind: "tooLarge" });
        return;
      }
      chunks.push(chunk);
    };
    const onEnd = (): void => {
      const [only] = chunks;
      settle({ kind: "bytes", bytes: chunks.length === 1 && only ? only : Buffer.concat(chunks, length) });
    };
    const onAbort = (): void => settle({ kind: "aborted" });
    const timer = setTimeout(() => req.destroy(), BODY_TIMEOUT_MS);
    timer.unref();
    req.on("data", onData).on("end", onEnd).on("close", onAbort).on("error", onAbort);
  });
}

function ignore(): void {
  // The reading has settled: what happens to the connection now is the server's affair.
}

/** What another body parser of the same server left in `req.body`. */
function readElsewhere(req: IncomingMessage, maxBytes: number): BodyReading {
  const value = (req as { body?: unknown }).body;
  const bytes =
    typeof value === "string"
      ? Buffer.from(value)
      : value instanceof Uint8Array
        ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
        : undefined;
  if (value === undefined && hasBody(req)) return { kind: "taken" };
  if (bytes === undefined) return { kind: "parsed", value };
  return bytes.length > maxBytes ? { kind: "tooLarge" } : { kind: "bytes", bytes };
}

/** Whether a request says that it has a body. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/** How long, and how much, is read and thrown away after an answer to a body that is too large. */
const LINGER_MS = 2000;
const LINGER_BYTES = 64 * 1024 * 1024;

/**
 * Writes the rest of an answer whose head was written with `Connection: close`, and ends it once the caller has sent
 * its body, or after 2 s or 64 MiB. Closing at once would make the kernel answer what still comes with a reset, which
 * can destroy the answer before the caller has read it.
 */
export function endAfterBody(req: IncomingMessage, res: ServerResponse, text: string | Uint8Array): void {
  if (req.readableEnded || req.destroyed) {
    res.end(text);
    return;
  }
  res.write(text);
  let left = LINGER_BYTES;
  const finish = (): void => {
    clearTimeout(timer);
    req.off("data", onData).off("end", finish).off("close", finish);
    res.end();
  };
  const onData = (chunk: Buffer): void => {
    left -= chunk.length;
    if (left < 0) finish();
  };
  const timer = setTimeout(finish, LINGER_MS);
  timer.unref();
  req.on("data", onData).on("end", finish).on("close", finish).on("error", ignore);
  req.resume();
}
