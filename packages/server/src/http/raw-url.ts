import type { Duplex } from "node:stream";

const CR = 0x0d;
const requestLine = /^[A-Z]+ [^ ]+ HTTP\/1\.[01]$/;

/**
 * A packet that begins with a request whose URL has bytes beyond ASCII, with those bytes percent-escaped; undefined
 * where it begins otherwise, or the line is not whole.
 *
 * node:http refuses such a URL, as RFC 3986 has it; yet curl and PHP send one wherever nobody escaped it.
 */
export function escapeRawUrl(packet: Buffer): Buffer | undefined {
  const end = packet.indexOf(CR);
  if (end === -1) return undefined;
  const line = packet.toString("latin1", 0, end);
  if (!requestLine.test(line)) return undefined;
  const escaped = line.replaceAll(
    /[\x80-\xff]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return escaped === line ? undefined : Buffer.concat([Buffer.from(escaped, "latin1"), packet.subarray(end)]);
}

/** A request line that is not whole, and in which nothing but bytes beyond ASCII is wrong. */
const beginsLine = /^[A-Z]+ [!-~\x80-\xff]*(?: [HTP/1.0]{0,8})?$/;

/** A byte that stands in no request line. */
const isControl = (byte: number): boolean => byte < 0x20 || byte === 0x7f;

/** Why a line did not come whole, as an HTTP status; undefined where the peer went away. */
export type LineFailure = { status: 400 | 408 | 431 } | undefined;

/**
 * Takes a socket over from node:http and reads on until the line that begins with `first` is whole.
 * @returns all that was read.
 */
export function readLine(
  socket: Duplex,
  first: Buffer,
  { maxBytes, timeoutMs }: { maxBytes: number; timeoutMs: number },
): Promise<Buffer | LineFailure> {
  socket.removeAllListeners("data").removeAllListeners("end");
  let line = first;
  return new Promise((resolve) => {
    const settle = (outcome: Buffer | LineFailure): void => {
      clearTimeout(timer);
      socket.off("data", onData).off("end", onEnd).off("close", onEnd).pause();
      resolve(outcome);
    };
    const onData = (chunk: Buffer): void => {
      line = Buffer.concat([line, chunk]);
      if (chunk.includes(CR)) settle(line);
      else if (line.length > maxBytes) settle({ status: 431 });
      else if (chunk.some(isControl)) settle({ status: 400 });
    };
    const onEnd = (): void => settle(undefined);
    const timer = setTimeout(() => settle({ status: 408 }), timeoutMs);
    timer.unref();
    socket.on("data", onData).on("end", onEnd).on("close", onEnd).resume();
    if (first.includes(CR)) settle(first);
    else if (!beginsLine.test(first.toString("latin1"))) settle({ status: 400 });
  });
}
