import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

/** What of an answer's encodings this center makes (RFC 9110, 8.4.1), the smaller first. */
export type Encoding = "br" | "gzip" | "identity";

/** Below this, an encoding saves nothing that matters. */
const MIN_BYTES = 512;
const BROTLI_QUALITY = 9;

/** The best encoding that `Accept-Encoding` allows (RFC 9110, 12.5.3). */
export function encodingFor(header: string | undefined): Encoding {
  const weights = new Map<string, number>();
  for (const item of (header ?? "").split(",")) {
    const [name = "", ...params] = item.split(";").map((part) => part.trim().toLowerCase());
    const weight = params.find((param) => param.startsWith("q="));
    weights.set(name, weight === undefined ? 1 : Number(weight.slice(2)) || 0);
  }
  const allows = (name: Encoding): boolean => (weights.get(name) ?? weights.get("*") ?? 0) > 0;
  if (allows("br")) return "br";
  return allows("gzip") ? "gzip" : "identity";
}

const brotli = promisify(brotliCompress);
const gzipped = promisify(gzip);

/** Texts in their encodings, each made once, when it is first asked for. */
export class Encodings {
  readonly #bytes: Buffer;
  readonly #made = new Map<Encoding, Promise<Buffer>>();

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** @returns undefined where the encoding is not smaller. */
  async in(encoding: Encoding): Promise<Buffer | undefined> {
    if (encoding === "identity" || this.#bytes.length < MIN_BYTES) return undefined;
    let made = this.#made.get(encoding);
    if (made === undefined) {
      made = encoding === "br" ? this.#brotli() : gzipped(this.#bytes, { level: 9 });
      this.#made.set(encoding, made);
    }
    const bytes = await made;
    return bytes.length < this.#bytes.length ? bytes : undefined;
  }

  #brotli(): Promise<Buffer> {
    return brotli(this.#bytes, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
        [constants.BROTLI_PARAM_SIZE_HINT]: this.#bytes.length,
      },
    });
  }
}
