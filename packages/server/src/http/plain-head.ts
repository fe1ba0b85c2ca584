/** Header fields (RFC 9112, 5), each with its line end; no line is folded. */
const fields = /^(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*\r\n)+$/;

/** What ends a head, behind the line end of its last field. */
export const HEAD_END = Buffer.from("\r\n\r\n");

/** What changes how a message is framed, answered, or what the connection is. */
export const specialFields: ReadonlySet<string> = new Set([
  "connection",
  "expect",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Reads the fields of a head that was taken for the plainest kind (RFC 9112): what is let through here is less than what
 * any parser lets through.
 *
 * @param text - as Latin-1
 * @param onField - told of each, the name in small letters and as it came; false where it may not be there.
 * @returns false where `onField` did, or where the text is something else.
 */
export function readFields(
  text: string,
  onField: (name: string, value: string, rawName: string) => boolean,
): boolean {
  if (!fields.test(text)) return false;
  for (let at = 0; at < text.length;) {
    const end = text.indexOf("\r\n", at);
    const colon = text.indexOf(":", at);
    const rawName = text.slice(at, colon);
    if (!onField(rawName.toLowerCase(), withoutBlanks(text.slice(colon + 1, end)), rawName)) return false;
    at = end + 2;
  }
  return true;
}

/** Only blanks and tabs may surround a value (RFC 9112, 5): `trim` takes U+00A0 as well, which is a byte here. */
function withoutBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
