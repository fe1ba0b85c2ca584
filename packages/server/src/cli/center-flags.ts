import { Option, type Command } from "commander";
import { loadConfig } from "../config/load.js";
import { MAX_CALL_TIMEOUT_MS } from "../config/options.js";

export const CENTER_URL_VARIABLE = "WSC_CENTER_URL";
const DEFAULT_CENTER_URL = "http://127.0.0.1:8011";
const DEFAULT_TIMEOUT_MS = 5000;

/** How to get at centers: what the flags and the environment say. */
export interface CenterAccess {
  /** The centers' HTTP ports, in the order in which they are tried. At least one. */
  centers: URL[];
  token: string | undefined;
  timeoutMs: number;
}

interface Given {
  center?: string[];
  tokenFile?: string;
  timeoutMs?: string;
}

/** Gives `command` the flags of every command that asks centers. */
export function addCenterFlags(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--center <url>",
        `HTTP port of a center; repeat it, or separate with commas, for several: the first that can be reached serves (${CENTER_URL_VARIABLE}, default: ${DEFAULT_CENTER_URL})`,
      ).argParser(append),
    )
    .addOption(
      new Option(
        "--token-file <file>",
        "read the token of the HTTP API from this file (WSC_TOKEN, TOKEN, WSC_TOKEN_FILE, TOKEN_FILE)",
      ),
    )
    .addOption(
      new Option(
        "--timeout-ms <ms>",
        `time that a center and its nodes have to answer, from 1 to ${MAX_CALL_TIMEOUT_MS} (default: ${DEFAULT_TIMEOUT_MS})`,
      ),
    );
}

/** For flags that may be repeated. */
export function append(text: string, before: string[] | undefined): string[] {
  return [...(before ?? []), text];
}

export function jsonOption(): Option {
  return new Option("--json", "write JSON instead of text for people");
}

/**
 * What the flags say, before the environment.
 *
 * @throws CommanderError for what cannot be used; CenterError CONFIG_INVALID where the token cannot be read.
 */
export function readCenterFlags(command: Command): CenterAccess {
  const given = command.opts<Given>();
  const fromEnvironment = process.env[CENTER_URL_VARIABLE]?.trim() ?? "";
  const texts = given.center ?? (fromEnvironment === "" ? [DEFAULT_CENTER_URL] : [fromEnvironment]);
  const centers = texts
    .flatMap((text) => text.split(","))
    .map((text) => text.trim())
    .filter((text) => text !== "")
    .map((text) => {
      const url = readUrl(text, "http");
      if (typeof url !== "string") return url;
      const place = given.center === undefined ? CENTER_URL_VARIABLE : "--center";
      return command.error(`error: ${place}: ${url}`);
    });
  if (centers.length === 0)
    command.error("error: --center is empty: expected a URL like http://127.0.0.1:8011");
  return { centers, token: readToken(given.tokenFile), timeoutMs: readTimeout(command, given.timeoutMs) };
}

/**
 * A URL of that scheme (or the one with TLS), whose shorter forms `host:port` and `port` are understood.
 * @returns a text that says what is wrong, where it is none.
 */
export function readUrl(text: string, scheme: "http" | "ws"): URL | string {
  const shown = JSON.stringify(text.replace(/\/\/[^/@]*@/, "//****@").replace(/\?.*/s, "?…"));
  const expected = `expected ${scheme}://host:port or ${scheme}s://host:port`;
  const full = /^\d{1,5}$/.test(text)
    ? `${scheme}://127.0.0.1:${text}`
    : text.includes("://")
      ? text
      : `${scheme}://${text}`;
  if (!URL.canParse(full)) return `${shown} is no URL: ${expected}`;
  const url = new URL(full);
  if (url.protocol !== `${scheme}:` && url.protocol !== `${scheme}s:`) {
    return `${shown} has another scheme: ${expected}`;
  }
  if (url.username !== "" || url.password !== "") {
    return `${shown} has a user or a password in it, which would be seen in logs: ${expected}`;
  }
  if (url.hash !== "" || (scheme === "http" && url.search !== "")) {
    return `${shown} has more than an address in it: ${expected}`;
  }
  return url;
}

/** The variables that hold a token, or the path of its file. */
const tokenVariables = ["WSC_TOKEN", "TOKEN", "WSC_TOKEN_FILE", "TOKEN_FILE"];

/** The first of the tokens: servers accept several. Read in the way of a center's own token. */
function readToken(file: string | undefined): string | undefined {
  const env = Object.fromEntries(tokenVariables.map((name) => [name, process.env[name]]));
  const { config } = loadConfig("center", { flags: { tokenFile: file }, env });
  return config.token[0];
}

function readTimeout(command: Command, text: string | undefined): number {
  if (text === undefined) return DEFAULT_TIMEOUT_MS;
  const timeoutMs = Number(text);
  if (/^\d+$/.test(text) && timeoutMs >= 1 && timeoutMs <= MAX_CALL_TIMEOUT_MS) return timeoutMs;
  return command.error(`error: --timeout-ms: expected a whole number from 1 to ${MAX_CALL_TIMEOUT_MS}`);
}
