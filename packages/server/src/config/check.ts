import type { SteeringStrategy } from "@websocket-center/protocol";
import { CenterError } from "../errors.js";
import { publicAddressOf } from "./addresses.js";
import type { OptionSpec, ProcessKind } from "./option-spec.js";
import { optionsOf, type ConfigOf, type KeyOf, type OptionKey } from "./options.js";

/** Where a value came from. `name` is the flag, the variable or the configuration file. */
export type Source =
  | { from: "flag" | "environment" | "file"; name: string }
  | { from: "program" }
  | { from: "default" };

export interface Given {
  value: unknown;
  source: Source;
}

/** What was noticed while values were read, a line each. */
export interface Findings {
  problems: string[];
  warnings: string[];
}

export interface CheckedConfig<P extends ProcessKind> {
  config: ConfigOf<P>;
  sources: { readonly [K in KeyOf<P>]: Source };
}

/**
 * Checks the values that were given, fills in defaults, and checks what options say together.
 *
 * @param findings - what was noticed before.
 * @throws CenterError CONFIG_INVALID that names every problem, one a line, and then the warnings.
 */
export function checkConfig<P extends ProcessKind>(
  processKind: P,
  given: ReadonlyMap<OptionKey, Given>,
  findings: Findings,
): CheckedConfig<P> {
  const found = [...findings.problems];
  const values: Partial<Record<OptionKey, unknown>> = {};
  const sources: Partial<Record<OptionKey, Source>> = {};
  for (const [key, spec] of optionsOf(processKind)) {
    const entry = given.get(key) ?? implied(key, given);
    sources[key] = entry?.source ?? { from: "default" };
    if (entry === undefined) {
      values[key] = spec.default;
      continue;
    }
    const parsed = spec.kind.schema.safeParse(entry.value);
    if (parsed.success) values[key] = parsed.data;
    else found.push(wrongValue(key, spec, entry, parsed.error.issues[0]?.path[0]));
  }
  if (found.length === 0) found.push(...contradictions(values));
  if (found.length > 0) throw new CenterError("CONFIG_INVALID", [...found, ...findings.warnings].join("\n"));
  return { config: values as ConfigOf<P>, sources: sources as CheckedConfig<P>["sources"] };
}

/** What follows from another option that was given. */
function implied(key: OptionKey, given: ReadonlyMap<OptionKey, Given>): Given | undefined {
  if (key !== "linkTls") return undefined;
  const source = (given.get("linkTlsCa") ?? given.get("linkTlsCert"))?.source;
  return source && { value: true, source };
}

/** For people: `environment PORT`, `flag --port`, `file center.json`, `default`. */
export function describeSource(source: Source): string {
  return "name" in source ? `${source.from} ${source.name}` : source.from;
}

function wrongValue(key: OptionKey, spec: OptionSpec, given: Given, index: PropertyKey | undefined): string {
  const place = given.source.from === "program" ? "" : ` (${describeSource(given.source)})`;
  const { input, allowed } = spec.kind;
  if (input === "secret") return `${key}${place} is not allowed: expected ${allowed}`;
  const isItem = typeof index === "number" && Array.isArray(given.value);
  const wrong: unknown = isItem ? (given.value as unknown[])[index] : given.value;
  return `${key}${place} ${isItem ? "has" : "is"} ${shown(wrong)}: expected ${allowed}`;
}

/** The value as a message shows it, cut at 100 characters. */
function shown(value: unknown): string {
  if (typeof value === "function" || typeof value === "symbol" || typeof value === "bigint")
    return typeof value;
  const text = JSON.stringify(value) ?? "undefined";
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

const pairs = [
  ["tlsCert", "tlsKey"],
  ["linkTlsCert", "linkTlsKey"],
] as const;

function contradictions(values: Partial<Record<OptionKey, unknown>>): string[] {
  const found: string[] = [];
  for (const [cert, key] of pairs) {
    const [given, missing] = values[cert] === undefined ? [key, cert] : [cert, key];
    if (values[given] !== undefined && values[missing] === undefined) {
      found.push(`${given} is set but ${missing} is not: TLS needs both`);
    }
  }
  for (const key of ["linkTlsCa", "linkTlsCert"] as const) {
    if (values[key] !== undefined && values.linkTls === false) {
      found.push(`${key} is set but linkTls is false: leave one of them out`);
    }
  }
  if (values.linkTlsClientCa !== undefined && values.linkTlsCert === undefined) {
    found.push("linkTlsClientCa is set but linkTlsCert is not: only TLS asks for certificates");
  }
  found.push(...tokenContradictions(values as Partial<ConfigOf<"node">>));
  const { assignStrategy, assignNodes } = values as Partial<ConfigOf<"center">>;
  if (assignStrategy !== undefined && assignNodes !== undefined) {
    found.push(...steeringContradictions(assignStrategy, assignNodes));
  }
  return found;
}

/** Whoever narrows down tokens believes that they are asked for. */
function tokenContradictions(values: Partial<ConfigOf<"node">>): string[] {
  const { clientJwtSecret = [], clientJwtPublicKey, clientJwks } = values;
  if (clientJwtSecret.length > 0 || clientJwtPublicKey !== undefined || clientJwks !== undefined) return [];
  return (["clientJwtAudience", "clientJwtIssuer"] as const)
    .filter((key) => (values[key] ?? []).length > 0)
    .map(
      (key) =>
        `${key} is set but nothing that verifies tokens: set clientJwtSecret, clientJwtPublicKey or clientJwks`,
    );
}

function steeringContradictions(strategy: SteeringStrategy, urls: readonly string[]): string[] {
  if (strategy !== "modulo") {
    return urls.length === 0
      ? []
      : [`assignNodes is set but assignStrategy is ${strategy}: only modulo goes by such a list`];
  }
  if (urls.length === 0) {
    return [
      "assignStrategy is modulo but assignNodes is not set: it needs the public addresses of all nodes, in order",
    ];
  }
  const seen = new Set<string | undefined>();
  return urls.flatMap((url) => {
    const address = publicAddressOf(url);
    if (seen.has(address)) return [`assignNodes has ${url} twice: each address has one place in the order`];
    seen.add(address);
    return [];
  });
}
