import { expect, vi } from "vitest";
import type { Assignment } from "../../src/index.js";

/** Who tells users where to connect: a node or a center. */
export interface Steerer {
  assign(userId: string): Assignment;
}

export const userIds = Array.from({ length: 60 }, (_, at) => `user-${at}`);

/** Where each of `userIds` is sent. */
export function placesOf(steerer: Steerer): Record<string, string> {
  return Object.fromEntries(userIds.map((id) => [id, steerer.assign(id).url]));
}

/** Resolves, with it, once all of them send the users to the same places, and to all of `urls`. */
export async function untilAgreed(
  steerers: readonly Steerer[],
  urls: readonly string[],
): Promise<Record<string, string>> {
  let places: Record<string, string> = {};
  await vi.waitFor(
    () => {
      const [first, ...others] = steerers.map(placesOf);
      places = first ?? {};
      for (const other of others) expect(other).toEqual(places);
      expect(new Set(Object.values(places))).toEqual(new Set(urls));
    },
    { timeout: 20_000, interval: 20 },
  );
  return places;
}

/** Those whose place differs, but for those who had or have `url`. */
export function movedBesides(
  url: string,
  before: Record<string, string>,
  after: Record<string, string>,
): string[] {
  return userIds.filter((id) => before[id] !== after[id] && before[id] !== url && after[id] !== url);
}
