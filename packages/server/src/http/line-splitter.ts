import { isUtf8 } from "node:buffer";

const NEWLINE = 0x0a;

/** A line without its end, or why it cannot be read. `bytes`: how long it is. */
export type Line = { text: string; bytes: number } | { problem: string };

/**
 * Cuts a stream of bytes into lines at `\n`, wherever its chunks end. A line that is not UTF-8, or longer than
 * `maxBytes`, is told as such, and costs no more memory than others.
 */
export class LineSplitter {
  readonly #maxBytes: number;
  readonly #onLine: (line: Line) => void;
  /** The beginning of a line whose end has not come, and how much of it is used. */
  #kept = Buffer.alloc(0);
  #keptBytes = 0;
  /** Within a line that is too long. */
  #isSkipping = false;

  constructor(maxBytes: number, onLine: (line: Line) => void) {
    this.#maxBytes = maxBytes;
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    const end = chunk.lastIndexOf(NEWLINE);
    if (end === -1) {
      this.#keep(chunk);
      return;
    }
    let start = 0;
    if (this.#isSkipping || this.#keptBytes > 0) {
      start = chunk.indexOf(NEWLINE) + 1;
      this.#keep(chunk.subarray(0, start - 1));
      this.#endLine();
    }
    if (start <= end) this.#lines(chunk.subarray(start, end));
    if (end + 1 < chunk.length) this.#keep(chunk.subarray(end + 1));
  }

  /** The stream has ended: what is left is its last line. */
  end(): void {
    if (this.#isSkipping || this.#keptBytes > 0) this.#endLine();
  }

  #endLine(): void {
    if (this.#isSkipping) this.#tooLong();
    else this.#lines(this.#kept.subarray(0, this.#keptBytes));
    this.#isSkipping = false;
    this.#keptBytes = 0;
  }

  #keep(bytes: Buffer): void {
    if (this.#isSkipping) return;
    const length = this.#keptBytes + bytes.length;
    if (length > this.#maxBytes) {
      this.#isSkipping = true;
      this.#kept = Buffer.alloc(0);
      return;
    }
    if (length > this.#kept.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.#maxBytes, Math.max(1024, 2 * length)));
      this.#kept.copy(larger, 0, 0, this.#keptBytes);
      this.#kept = larger;
    }
    bytes.copy(this.#kept, this.#keptBytes);
    this.#keptBytes = length;
  }

  /** @param block - whole lines, the end of the last one left out. */
  #lines(block: Buffer): void {
    if (block.length > this.#maxBytes || !isUtf8(block)) {
      this.#linesOneByOne(block);
      return;
    }
    const text = block.toString("utf8");
    const isAscii = text.length === block.length;
    for (const line of text.split("\n")) {
      this.#onLine({ text: line, bytes: isAscii ? line.length : Buffer.byteLength(line) });
    }
  }

  #linesOneByOne(block: Buffer): void {
    for (let start = 0; start <= block.length;) {
      const found = block.indexOf(NEWLINE, start);
      const end = found === -1 ? block.length : found;
      const line = block.subarray(start, end);
      if (line.length > this.#maxBytes) this.#tooLong();
      else if (isUtf8(line)) this.#onLine({ text: line.toString("utf8"), bytes: line.length });
      else this.#onLine({ problem: "the line is not UTF-8" });
      start = end + 1;
    }
  }

  #tooLong(): void {
    this.#onLine({ problem: `the line is longer than ${this.#maxBytes} bytes` });
  }
}
