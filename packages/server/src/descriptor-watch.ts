import { close, open } from "node:fs";
import { devNull } from "node:os";

const WATCH_MS = 1000;

/**
 * Notices when no file descriptor is left. Servers hear nothing of it: libuv takes such connections only to close them.
 * One is opened and closed again once a second.
 */
export class DescriptorWatch {
  readonly #onExhausted: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(onExhausted: () => void) {
    this.#onExhausted = onExhausted;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#look(), WATCH_MS);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    open(devNull, "r", (error, descriptor) => {
      if (error === null) close(descriptor);
      else if (error.code === "EMFILE" || error.code === "ENFILE") this.#onExhausted();
    });
  }
}
