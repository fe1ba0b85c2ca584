/** How often something is called: so many times a second by the clock, or again as soon as it was answered. */
export type Rate = number | "max";

/** What a measurement does to a cluster, all of it bounded. */
export interface BenchPlan {
  clients: number;
  /** Of the calls to users and those to the group together, half each. */
  seconds: number;
  rate: Rate;
  groupRate: Rate;
  /** Calls that wait for their answers at once, at most. */
  inFlight: number;
  messageBytes: number;
}

export interface Bound {
  least: number;
  most: number;
  default: number;
}

/** Defaults that a cluster in use does not notice. */
export const bounds = {
  clients: { least: 1, most: 20_000, default: 200 },
  seconds: { least: 1, most: 600, default: 10 },
  rate: { least: 1, most: 50_000, default: 200 },
  groupRate: { least: 1, most: 5000, default: 10 },
  inFlight: { least: 1, most: 512, default: 64 },
  messageBytes: { least: 64, most: 65_536, default: 64 },
} as const satisfies Record<keyof BenchPlan, Bound>;

/** Undefined where the text is no whole number within the bound. */
export function readBounded(text: string, { least, most }: Bound): number | undefined {
  const value = Number(text);
  return /^\d+$/.test(text) && value >= least && value <= most ? value : undefined;
}

/** As `readBounded`, and `max`. */
export function readRate(text: string, bound: Bound): Rate | undefined {
  return text === "max" ? text : readBounded(text, bound);
}
