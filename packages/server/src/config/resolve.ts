import { checkConfig, type Given } from "./check.js";
import { nearest } from "./nearest.js";
import type { ProcessKind } from "./option-spec.js";
import {
  optionsOf,
  type CenterConfig,
  type CenterOptions,
  type ConfigOf,
  type NodeConfig,
  type NodeOptions,
  type OptionKey,
} from "./options.js";

/**
 * The configuration of a center that a program creates. Neither the environment nor a file is looked at.
 *
 * @throws CenterError CONFIG_INVALID for values that are not allowed and for unknown keys, one a line.
 */
export function resolveCenterOptions(options: CenterOptions = {}): CenterConfig {
  return resolve("center", options);
}

/** The same for a node. */
export function resolveNodeOptions(options: NodeOptions = {}): NodeConfig {
  return resolve("node", options);
}

function resolve<P extends ProcessKind>(processKind: P, options: object): ConfigOf<P> {
  const keys = new Set<string>(optionsOf(processKind).map(([key]) => key));
  const given = new Map<OptionKey, Given>();
  const problems: string[] = [];
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (keys.has(key)) given.set(key as OptionKey, { value, source: { from: "program" } });
    else problems.push(unknownKey(key, processKind, keys));
  }
  return checkConfig(processKind, given, { problems, warnings: [] }).config;
}

function unknownKey(key: string, processKind: ProcessKind, keys: Iterable<string>): string {
  const meant = nearest(key, keys);
  const hint = meant === undefined ? "" : ` (did you mean ${meant}?)`;
  return `${key} is no option of a ${processKind}${hint}`;
}
