import type { CenterAbout, NodeVitals } from "@websocket-center/protocol";

/** A center that the node shall be linked to. */
interface Line {
  address: string;
  linked: boolean;
  centerId: string | undefined;
}

/** What centers told of themselves, kept by their addresses, so that others hear of a center that is lost, too. */
export class CenterAbouts {
  readonly #lines: () => readonly Line[];
  readonly #byAddress = new Map<string, CenterAbout>();

  constructor(lines: () => readonly Line[]) {
    this.#lines = lines;
  }

  heard(about: CenterAbout): void {
    const lines = this.#lines();
    for (const { address, linked, centerId } of lines) {
      if (linked && centerId === about.id) this.#byAddress.set(address, about);
    }
    const addresses = new Set(lines.map(({ address }) => address));
    for (const address of this.#byAddress.keys())
      if (!addresses.has(address)) this.#byAddress.delete(address);
  }

  list(): NodeVitals["centers"] {
    return this.#lines()
      .slice(0, 1000)
      .map(({ address, linked, centerId }) => {
        const about = this.#byAddress.get(address);
        return {
          address,
          linked,
          ...(centerId === undefined ? {} : { centerId }),
          ...(about === undefined ? {} : { about }),
        };
      });
  }
}
