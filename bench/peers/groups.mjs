/** How many groups there are in the groups row. */
export const GROUPS = 1000;

/** Names of nine digits, as the load program writes numbers. */
export const groupName = (number) => String(number).padStart(9, "0");

/** The same endless row of group numbers in each process (xorshift, Marsaglia 2003). */
export function* randomGroups() {
  let state = 2463534242;
  for (;;) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield (state >>> 0) % GROUPS;
  }
}
