import { ClientError } from "./errors.js";

/** Messages that came and were not taken yet, for one `for await` loop. */
export class Inbox<M> implements AsyncIterableIterator<M> {
  readonly #maxMessages: number;
  readonly #onReturn: () => void;
  readonly #messages: M[] = [];
  readonly #waiting: ((result: IteratorResult<M, undefined>) => void)[] = [];
  #ended: { error?: ClientError } | undefined;

  constructor(maxMessages: number, onReturn: () => void) {
    this.#maxMessages = maxMessages;
    this.#onReturn = onReturn;
  }

  /** Past the bound the loop gets what is here already, and then an error: it has missed something. */
  add(message: M): void {
    if (this.#ended !== undefined) return;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting({ done: false, value: message });
    } else if (this.#messages.length < this.#maxMessages) {
      this.#messages.push(message);
    } else {
      this.end(new ClientError("TOO_SLOW", `${this.#maxMessages} messages wait to be taken; more came`));
    }
  }

  end(error?: ClientError): void {
    if (this.#ended !== undefined) return;
    this.#ended = error === undefined ? {} : { error };
    this.#onReturn();
    for (const resolve of this.#waiting.splice(0)) resolve({ done: true, value: undefined });
  }

  next(): Promise<IteratorResult<M, undefined>> {
    if (this.#messages.length > 0) {
      return Promise.resolve({ done: false, value: this.#messages.shift() as M });
    }
    const { error } = this.#ended ?? {};
    if (error !== undefined) {
      this.#ended = {};
      return Promise.reject(error);
    }
    if (this.#ended !== undefined) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<M, undefined>> {
    this.#messages.length = 0;
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
