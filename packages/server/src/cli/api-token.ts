import { createHash, randomBytes } from "node:crypto";
import { type Scope, scopes } from "@websocket-center/protocol";
import { Command, InvalidArgumentError, Option } from "commander";
import { isTokenName, TOKEN_NAME_FORM, type TokenEntry } from "../http/tokens-file.js";
import { note, print } from "./command-failure.js";

interface Flags {
  scopes: Scope[];
  expires?: Date;
  json?: true;
}

const TOKEN_BYTES = 32;
const unitMs = { h: 3_600_000, d: 86_400_000 };

/** `websocket-center api-token`: makes a token of the HTTP API, and its entry for the tokens file. */
export function apiTokenCommand(): Command {
  const command = new Command("api-token")
    .description("Make a token for the HTTP API, and its entry for the tokens file. Nothing is stored.")
    .argument("<name>", "what the audit log calls it", readName)
    .addOption(
      new Option("--scopes <scopes>", `what it allows: a comma list of ${scopes.join(", ")}`)
        .argParser(readScopes)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option(
        "--expires <time>",
        "when it ends: 12h or 30d from now, or a time such as 2027-01-31T12:00:00Z (default: never)",
      ).argParser(readTime),
    )
    .addOption(new Option("--json", "write both as one JSON object"));
  return command.action((name: string, flags: Flags) => {
    const token = randomBytes(TOKEN_BYTES).toString("base64url");
    const { expires } = flags;
    const entry: TokenEntry = {
      name,
      sha256: createHash("sha256").update(token).digest("hex"),
      scopes: flags.scopes,
      ...(expires === undefined ? {} : { expiresAt: expires.toISOString() }),
    };
    if (flags.json === true) {
      print(JSON.stringify({ token, entry }));
      return;
    }
    note("The token, for the caller. It cannot be shown again:");
    print(token);
    note("Its entry, for the list in the tokens file (WSC_TOKENS_FILE) of centers and nodes:");
    print(JSON.stringify(entry));
  });
}

function readName(text: string): string {
  if (isTokenName(text)) return text;
  throw new InvalidArgumentError(`Expected ${TOKEN_NAME_FORM}; TOKEN and none are taken.`);
}

function readScopes(text: string): Scope[] {
  const given = text.split(",").map((scope) => scope.trim());
  const known = scopes.filter((scope) => given.includes(scope));
  if (known.length === given.length) return known;
  throw new InvalidArgumentError(`Expected a comma list of ${scopes.join(", ")}, each at most once.`);
}

function readTime(text: string): Date {
  const span = /^(\d{1,5})([hd])$/.exec(text);
  const unit = span?.[2] === "h" ? unitMs.h : unitMs.d;
  const isTime = /^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2}))?$/.test(text);
  const at = span !== null ? Date.now() + Number(span[1]) * unit : isTime ? Date.parse(text) : NaN;
  if (at > Date.now()) return new Date(at);
  throw new InvalidArgumentError(
    "Expected 12h, 30d or the like, or a time to come such as 2027-01-31T12:00:00Z.",
  );
}
