import type { OptionKind } from "./kinds.js";

export type ProcessKind = "center" | "node";

export const optionGroups = [
  "Addresses",
  "Security",
  "Tokens of clients",
  "Clients",
  "Limits",
  "Links and calls",
  "Running",
] as const;
export type OptionGroup = (typeof optionGroups)[number];

/** One option. Its flag and its `WSC_*` variable follow from its key. `T` is its type in a configuration. */
export interface OptionSpec<T = unknown, P extends ProcessKind = ProcessKind> {
  processes: readonly P[];
  group: OptionGroup;
  kind: OptionKind<T>;
  /** Undefined where an option that is not set means "off". */
  default: T;
  /** Its name in the classic API's contract, beside the `WSC_*` one. */
  env?: string;
  /** A sentence or two, Markdown. */
  doc: string;
}

interface Described<V, P extends ProcessKind> {
  processes: readonly P[];
  group: OptionGroup;
  kind: OptionKind<V>;
  env?: string;
  doc: string;
}

/** An option that always has a value. */
export function option<V, P extends ProcessKind>(
  spec: Described<V, P> & { default: NoInfer<V> },
): OptionSpec<V, P> {
  return spec;
}

/** An option that is off unless it is set. */
export function optional<V, P extends ProcessKind>(spec: Described<V, P>): OptionSpec<V | undefined, P> {
  return { ...spec, default: undefined };
}
