/** Header fields (RFC 9112, 5), each with its line end; no line is folded. */
const plainFields = /^(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*\r\n)+$/;

const HEAD_END = Buffer.from("\r\n\r\n");

/** The head of a request, as Latin-1. */
export interface Head {
  /** The request line, without its end. */
  line: string;
  /** The fields, each with its line end. */
  fields: string;
  /** How many bytes it takes, with the empty line. */
  length: number;
}

/** The head that `chunk` begins with; undefined where it is not whole, or over `maxBytes`. */
export function readHead(chunk: Buffer, maxBytes: number): Head | undefined {
  const end = chunk.indexOf(HEAD_END);
  if (end === -1 || end > maxBytes) return undefined;
  const text = chunk.toString("latin1", 0, end + 2);
  const lineEnd = text.indexOf("\r\n");
  return {
    line: text.slice(0, lineEnd),
    fields: text.slice(lineEnd + 2),
    length: end + HEAD_END.length,
  };
}

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
 * @param text - see `Head.fields`
 * @param onField - told of each, the name in small letters and as it came; false where it may not be there.
 * @returns false where `onField` did, or where the text is something else.
 */
export function readFields(
  text: string,
  onField: (name: string, value: string, rawName: string) => boolean,
): boolean {
  if (!plainFields.test(text)) return false;
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
