import type { OptionSpec } from "./option-spec.js";

/** The `WSC_*` variable of a key: `callTimeoutMs` is WSC_CALL_TIMEOUT_MS. */
export function variableOf(key: string): string {
  return `WSC_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** The flag of a key: `callTimeoutMs` is --call-timeout-ms. */
export function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The flag that turns a boolean option off: `openMessage` has --no-open-message. */
export function offFlagOf(key: string): string {
  return flagOf(key).replace("--", "--no-");
}

/** The key of the file that holds a secret: `tokenFile`, and from it WSC_TOKEN_FILE and --token-file. */
export function fileKeyOf(key: string): string {
  return `${key}File`;
}

/** The variables that set an option, the one that wins first. */
export function variablesOf(key: string, spec: Pick<OptionSpec, "env">): string[] {
  const own = variableOf(key);
  return spec.env === undefined || spec.env === own ? [own] : [own, spec.env];
}

/** The variables that name the file of a secret, the one that wins first. */
export function fileVariablesOf(key: string, spec: Pick<OptionSpec, "env">): string[] {
  return variablesOf(key, spec).map((name) => `${name}_FILE`);
}
