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
