const SLOTS = 256;

/** Keys that were read lately: objects in frames have the same ones again and again, and a text need not be made twice. */
export class KeyCache {
  readonly #keys: (string | undefined)[] = Array.from({ length: SLOTS }, () => undefined);

  /** The key that those bytes are, if it was kept; what is not ASCII never is. */
  find(bytes: Uint8Array, from: number, length: number): string | undefined {
    if (length === 0) return undefined;
    const key = this.#keys[slotOf(length, bytes[from] ?? 0, bytes[from + length - 1] ?? 0)];
    if (key?.length !== length) return undefined;
    for (let at = 0; at < length; at += 1) if (key.charCodeAt(at) !== bytes[from + at]) return undefined;
    return key;
  }

  keep(key: string): void {
    const { length } = key;
    if (length === 0) return;
    for (let at = 0; at < length; at += 1) if (key.charCodeAt(at) > 0x7f) return;
    this.#keys[slotOf(length, key.charCodeAt(0), key.charCodeAt(length - 1))] = key;
  }
}

function slotOf(length: number, first: number, last: number): number {
  return (length * 31 + first * 7 + last) % SLOTS;
}
