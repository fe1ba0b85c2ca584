// Measurements that are to be compared, taken so that a machine shared with others is as slow for one as for the other.
import { summary } from "./report/numbers.mjs";

/** What each measurement is to leave out at its beginning: who was idle meanwhile finds nothing of its own in the caches. */
export const LEAD_IN_S = 0.1;

/** What runs for the first time is slow for longer than a short measurement: V8 compiles it only after it ran often. */
const MAX_WARM_UP_S = 40;

/**
 * Loads a server, a second at a time, until it has done so much.
 * @param {number} count - of what `loadOneSecond` counts
 * @param {() => Promise<number>} loadOneSecond
 */
export async function warmUp(count, loadOneSecond) {
  let done = 0;
  for (let second = 0; second < MAX_WARM_UP_S && done < count; second += 1) done += await loadOneSecond();
}

/**
 * Measures each subject between two measurements of the reference, round by round. What a shared machine does to a
 * program changes within seconds, by half and more; a short measurement and its two neighbours share most of it.
 *
 * @template Subject, Sample
 * @param {Record<string, Subject>} subjects - by name, the reference among them
 * @param {{ reference: string, rounds: number, measure: (subject: Subject) => Promise<Sample>, log: (text: string) => void }} options
 * @returns {Promise<Record<string, Turn<Sample>[]>>} what was measured of each, in order
 * @typedef {{ sample: Sample, beside: Sample[] }} Turn - `beside`: of the reference just before and just after; itself
 *   where it is the reference's own
 */
export async function takeTurns(subjects, { reference, rounds, measure, log }) {
  const turns = Object.fromEntries(Object.keys(subjects).map((name) => [name, []]));
  const measureReference = async () => {
    const sample = await measure(subjects[reference]);
    turns[reference].push({ sample, beside: [sample] });
    return sample;
  };
  const others = Object.keys(subjects).filter((name) => name !== reference);
  let before = await measureReference();
  for (let round = 0; round < rounds; round += 1) {
    log(`round ${round + 1} of ${rounds}`);
    for (const name of others) {
      const sample = await measure(subjects[name]);
      const after = await measureReference();
      turns[name].push({ sample, beside: [before, after] });
      before = after;
    }
  }
  return turns;
}

/** What `pick` takes of each sample, as a ratio to what it takes of the reference beside it. */
export function ratioBeside(turns, pick) {
  return summary(turns.map(({ sample, beside }) => pick(sample) / mean(beside.map(pick))));
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
