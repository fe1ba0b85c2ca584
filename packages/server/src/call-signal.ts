/** As much of an AbortSignal as calls need. */
export interface CallSignal {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: AbortListener): void;
  removeEventListener(type: "abort", listener: AbortListener): void;
}

/** An object, as listeners may be: each call is one already. */
export interface AbortListener {
  handleEvent(): void;
}

/** A signal that costs next to nothing while nobody gives up: an AbortSignal for each call costs more than the call. */
export class GiveUp implements CallSignal {
  aborted = false;
  #listeners: AbortListener[] | undefined;

  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    for (const listener of this.#listeners?.splice(0) ?? []) listener.handleEvent();
  }

  addEventListener(_type: "abort", listener: AbortListener): void {
    (this.#listeners ??= []).push(listener);
  }

  removeEventListener(_type: "abort", listener: AbortListener): void {
    const at = this.#listeners?.indexOf(listener) ?? -1;
    if (at !== -1) this.#listeners?.splice(at, 1);
  }
}
