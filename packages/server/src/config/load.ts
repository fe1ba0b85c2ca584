import { checkConfig, type CheckedConfig, type Findings, type Given } from "./check.js";
import { readConfigFile, readSecretFile, type ConfigFile } from "./files.js";
import { fileKeyOf, fileVariablesOf, flagOf, offFlagOf, variablesOf } from "./names.js";
import { nearest } from "./nearest.js";
import type { OptionSpec, ProcessKind } from "./option-spec.js";
import { options, optionsOf, type OptionKey } from "./options.js";

export interface ConfigInput {
  /** By key, as it stood on the command line; a flag without a value is a boolean. Secrets come as `tokenFile`. */
  flags?: Readonly<Record<string, string | boolean | undefined>>;
  /** Empty variables count as not set. Default: none. */
  env?: Readonly<Record<string, string | undefined>>;
  /** The path of a JSON file. */
  file?: string | undefined;
}

export interface LoadedConfig<P extends ProcessKind> extends CheckedConfig<P> {
  /** For people, a sentence each. */
  warnings: readonly string[];
}

/** The variable that names the configuration file, where no flag does. */
export const CONFIG_VARIABLE = "WSC_CONFIG";

/** What was set in one place: a value, or the path of a secret's file. */
type Setting = Given & { isSecretFile?: boolean };

/**
 * The configuration of a process that is started: flags before environment before file before default.
 *
 * @throws CenterError CONFIG_INVALID that names every problem, one a line, then every warning. It never shows a secret.
 */
export function loadConfig<P extends ProcessKind>(processKind: P, input: ConfigInput): LoadedConfig<P> {
  const { flags = {}, env = {} } = input;
  const findings: Findings = { problems: [], warnings: nearMisses(env) };
  const file = input.file === undefined ? undefined : readFileKeys(processKind, input.file, findings);
  const given = new Map<OptionKey, Given>();
  for (const [key, spec] of optionsOf(processKind)) {
    const setting =
      fromFlags(key, spec, flags) ?? fromEnvironment(key, spec, env, findings) ?? fromFile(key, spec, file);
    if (setting === undefined) continue;
    const value = setting.isSecretFile ? secretsOf(key, spec, setting, findings) : setting;
    if (value !== undefined) given.set(key, value);
  }
  return { ...checkConfig(processKind, given, findings), warnings: findings.warnings };
}

function fromFlags(
  key: OptionKey,
  spec: OptionSpec,
  flags: Readonly<Record<string, string | boolean | undefined>>,
): Setting | undefined {
  const isSecretFile = spec.kind.input === "secret";
  const flagKey = isSecretFile ? fileKeyOf(key) : key;
  const value = flags[flagKey];
  if (value === undefined) return undefined;
  const source = { from: "flag", name: value === false ? offFlagOf(flagKey) : flagOf(flagKey) } as const;
  if (isSecretFile) return { value, source, isSecretFile };
  return { value: typeof value === "string" ? spec.kind.fromText(value) : value, source };
}

function fromEnvironment(
  key: OptionKey,
  spec: OptionSpec,
  env: Readonly<Record<string, string | undefined>>,
  findings: Findings,
): Setting | undefined {
  const direct = readVariables(variablesOf(key, spec), env, findings);
  const path =
    spec.kind.input === "secret" ? readVariables(fileVariablesOf(key, spec), env, findings) : undefined;
  if (direct !== undefined && path !== undefined) {
    findings.problems.push(`${key} is set twice: by ${direct.name} and by ${path.name}. Set one of them`);
    return undefined;
  }
  if (path !== undefined) {
    return { value: path.text, source: { from: "environment", name: path.name }, isSecretFile: true };
  }
  return (
    direct && { value: spec.kind.fromText(direct.text), source: { from: "environment", name: direct.name } }
  );
}

function fromFile(key: OptionKey, spec: OptionSpec, file: ConfigFile | undefined): Setting | undefined {
  if (file === undefined) return undefined;
  const isSecretFile = spec.kind.input === "secret";
  const value = file.values.get(isSecretFile ? fileKeyOf(key) : key);
  return value === undefined ? undefined : { value, source: { from: "file", name: file.path }, isSecretFile };
}

function secretsOf(
  key: OptionKey,
  spec: OptionSpec,
  setting: Setting,
  findings: Findings,
): Given | undefined {
  const read = readSecretFile(setting.value);
  if ("problem" in read) {
    const place = "name" in setting.source ? ` (${setting.source.name})` : "";
    findings.problems.push(`${fileKeyOf(key)}${place}: ${read.problem}`);
    return undefined;
  }
  return { value: spec.kind.fromText(read.text), source: setting.source };
}

/** The first of the variables that is set. Others that say something else are warned about. */
function readVariables(
  names: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  findings: Findings,
): { name: string; text: string } | undefined {
  const [winner, ...others] = names.flatMap((name) => {
    const text = env[name]?.trim() ?? "";
    return text === "" ? [] : [{ name, text }];
  });
  for (const other of others) {
    if (winner !== undefined && other.text !== winner.text) {
      findings.warnings.push(`${winner.name} and ${other.name} differ: ${winner.name} counts.`);
    }
  }
  return winner;
}

/** The keys of a file that are options of this process. The rest is reported. */
function readFileKeys(processKind: ProcessKind, path: string, findings: Findings): ConfigFile | undefined {
  const read = readConfigFile(path);
  if ("problem" in read) {
    findings.problems.push(read.problem);
    return undefined;
  }
  const known = new Map(
    optionsOf(processKind).map(([key, spec]) => [
      spec.kind.input === "secret" ? fileKeyOf(key) : key,
      key as string,
    ]),
  );
  for (const key of read.values.keys()) {
    if (!known.has(key)) reportFileKey(key, processKind, known.keys(), path, findings);
  }
  return read;
}

function reportFileKey(
  key: string,
  processKind: ProcessKind,
  known: Iterable<string>,
  path: string,
  { problems, warnings }: Findings,
): void {
  const spec: OptionSpec | undefined = Object.hasOwn(options, key) ? options[key as OptionKey] : undefined;
  if (spec?.kind.input === "secret") {
    const variables = variablesOf(key, spec).join(" or ");
    problems.push(
      `${key} must not stand in ${path}: set ${variables}, or "${fileKeyOf(key)}" to the path of a file that holds it`,
    );
  } else if (spec !== undefined) {
    warnings.push(`${key} in ${path} is ignored: it is no option of a ${processKind}.`);
  } else {
    const meant = nearest(key, known);
    warnings.push(`${key} in ${path} is unknown${meant === undefined ? "" : `: did you mean ${meant}?`}`);
  }
}

/** Variables that look like one of ours, written wrong. Their prefix does not count: it would make all look alike. */
function nearMisses(env: Readonly<Record<string, string | undefined>>): string[] {
  const known = new Set(knownVariables().flatMap((name) => unprefixed(name) ?? []));
  return Object.keys(env).flatMap((name) => {
    const rest = unprefixed(name);
    if (rest === undefined || known.has(rest)) return [];
    const meant = nearest(rest, known);
    return meant === undefined ? [] : [`${name} is unknown: did you mean ${PREFIX}${meant}?`];
  });
}

const PREFIX = "WSC_";

function unprefixed(name: string): string | undefined {
  return name.startsWith(PREFIX) ? name.slice(PREFIX.length) : undefined;
}

function knownVariables(): string[] {
  const ofOptions = Object.entries<OptionSpec>(options).flatMap(([key, spec]) => [
    ...variablesOf(key, spec),
    ...(spec.kind.input === "secret" ? fileVariablesOf(key, spec) : []),
  ]);
  return [CONFIG_VARIABLE, ...ofOptions];
}
