/**
 * At most `budget` of the items, in their order. Of what is there often more is left out than of what is rare: each type
 * gets an equal share, and what one does not need goes to the others. Of a type those that are kept lie evenly.
 *
 * @returns the items, and how many of each type were left out.
 */
export function fairSample<T>(
  items: readonly T[],
  typeOf: (item: T) => string,
  budget: number,
): { kept: readonly T[]; left: Record<string, number> } {
  if (items.length <= budget) return { kept: items, left: {} };
  const counts = new Map<string, number>();
  for (const item of items) counts.set(typeOf(item), (counts.get(typeOf(item)) ?? 0) + 1);
  const shares = sharesOf(counts, budget);
  const seen = new Map<string, number>();
  const left: Record<string, number> = {};
  const kept = items.filter((item) => {
    const type = typeOf(item);
    const at = seen.get(type) ?? 0;
    seen.set(type, at + 1);
    const part = (shares.get(type) ?? 0) / (counts.get(type) ?? 1);
    if (Math.floor((at + 1) * part) > Math.floor(at * part)) return true;
    left[type] = (left[type] ?? 0) + 1;
    return false;
  });
  return { kept, left };
}

function sharesOf(counts: ReadonlyMap<string, number>, budget: number): Map<string, number> {
  const shares = new Map<string, number>();
  let rest = budget;
  const rising = [...counts].toSorted(([, one], [, other]) => one - other);
  for (const [at, [type, count]] of rising.entries()) {
    const share = Math.min(count, Math.floor(rest / (rising.length - at)));
    shares.set(type, share);
    rest -= share;
  }
  return shares;
}
