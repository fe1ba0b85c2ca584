import type { OptionSpec } from "./option-spec.js";

/** What stands for a secret wherever a configuration is shown. */
export const MASK = "****";

/** A value as people read it in a table: lists with commas, nothing for what is not set. Secrets are masked. */
export function showValue(spec: OptionSpec, value: unknown): string {
  const masked = maskSecrets(spec, value);
  if (Array.isArray(masked)) return masked.length === 0 ? "none" : masked.join(",");
  if (masked === undefined) return "not set";
  return typeof masked === "string" ? masked : JSON.stringify(masked);
}

/** The default as documents show it, numbers of bytes with their size. */
export function showDefault(spec: OptionSpec): string {
  const text = showValue(spec, spec.default);
  const size = spec.kind.placeholder === "bytes" ? sizeOf(Number(spec.default)) : undefined;
  return size === undefined ? text : `${text} = ${size}`;
}

/** The value itself, the items of secrets masked. */
export function maskSecrets(spec: OptionSpec, value: unknown): unknown {
  return spec.kind.input === "secret" && Array.isArray(value) ? value.map(() => MASK) : value;
}

function sizeOf(bytes: number): string | undefined {
  if (bytes >= 2 ** 20 && bytes % 2 ** 20 === 0) return `${bytes / 2 ** 20} MiB`;
  return bytes >= 2 ** 10 && bytes % 2 ** 10 === 0 ? `${bytes / 2 ** 10} KiB` : undefined;
}
