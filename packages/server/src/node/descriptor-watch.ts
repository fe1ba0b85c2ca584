import { close, open } from "node:fs";
import { devNull } from "node:os";

const INTERVAL_MS = 1000;
const exhausted: ReadonlySet<string | undefined> = new Set(["EMFILE", "ENFILE"]);

/**
 * Notices when the process has no file descriptor left. Then the kernel's new connections are closed as they come,
 * and nobody tells: not even an error reaches the listening socket.
 */
export class DescriptorWatch {
  readonly #onShortage: (error: Error) => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param onShortage - told once a second for as long as there is none. */
  constructor(onShortage: (error: Error) => void) {
    this.#onShortage = onShortage;
  }

  start(): void {
    this.#timer ??= setInterval(this.#try, INTERVAL_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  readonly #try = (): void => {
    open(devNull, "r", (error, descriptor) => {
      if (error === null) close(descriptor);
      else if (exhausted.has(error.code) && this.#timer !== undefined) this.#onShortage(error);
    });
  };
}
