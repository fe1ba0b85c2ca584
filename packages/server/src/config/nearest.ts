/**
 * The candidate that `name` most likely was meant to be: letter case aside, at most a third of its characters
 * apart. Undefined where none is that near.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.floor(name.length / 3) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/**
 * Up to `count` candidates that `name` may have been meant to be, the most likely first: those that are near, and
 * those that have it in them, or it them.
 */
export function nearestFew(name: string, candidates: Iterable<string>, count: number): string[] {
  const wanted = name.toLowerCase();
  const limit = Math.floor(wanted.length / 3);
  const ranked: { candidate: string; distance: number }[] = [];
  for (const candidate of candidates) {
    const lower = candidate.toLowerCase();
    const distance = editDistance(wanted, lower);
    const isPart = wanted.length > 2 && (lower.includes(wanted) || wanted.includes(lower));
    if (distance <= limit || isPart) ranked.push({ candidate, distance });
  }
  ranked.sort((left, right) => left.distance - right.distance);
  return ranked.slice(0, count).map(({ candidate }) => candidate);
}

/** Levenshtein's distance: insertions, deletions and replacements of characters. */
function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}
