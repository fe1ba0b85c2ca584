import { type FSWatcher, statSync, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { scopes } from "@websocket-center/protocol";
import { z } from "zod";
import { readJsonFile } from "../config/files.js";
import { CenterError } from "../errors.js";
import { type ListedToken, reservedNames } from "./access.js";

const nameForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
export const TOKEN_NAME_FORM =
  "1 to 64 letters, digits, dots, hyphens and underscores, a letter or digit first";

export function isTokenName(name: string): boolean {
  return nameForm.test(name) && !reservedNames.has(name);
}

const tokenEntry = z.strictObject({
  name: z.string().refine(isTokenName, {
    error: `expected ${TOKEN_NAME_FORM}; not ${[...reservedNames].join(" or ")}`,
  }),
  sha256: z.string().regex(/^[0-9a-f]{64}$/i, { error: "expected the SHA-256 of the token, 64 hex digits" }),
  scopes: z.array(z.enum(scopes)).min(1, { error: `expected at least one of ${scopes.join(", ")}` }),
  expiresAt: z
    .union([z.iso.datetime({ offset: true }), z.iso.date()], {
      error: "expected a time with its zone, such as 2027-01-31T12:00:00Z",
    })
    .optional(),
});
const tokenList = z.array(tokenEntry, { error: "expected a list of tokens" });

/** An entry of the file. `expiresAt` is ISO 8601; a date alone is its beginning, UTC. */
export type TokenEntry = z.input<typeof tokenEntry>;

/** How often the file is looked at; a watcher tells of most changes sooner. */
const LOOK_MS = 1000;
/** A change counts once the file has stayed the same for that long: whoever writes it in place is done then. */
const SETTLE_MS = 100;

export interface TokensFileOptions {
  /** The file has changed, and its list counts from now on. */
  onRead: (names: readonly string[]) => void;
  /** The file has changed, and cannot be used: the list that was read last still counts. */
  onFault: (error: CenterError) => void;
}

/** The tokens that a JSON file lists, which is read again whenever it changes, however it is replaced. */
export class TokensFile {
  readonly #path: string;
  readonly #options: TokensFileOptions;
  #tokens: readonly ListedToken[];
  /** What the file looked like when it was read last, and when it was looked at last. */
  #readAs: string;
  #seenAs: string;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer is due, by the monotonic clock. */
  #dueAt = 0;
  #isRunning = false;

  /** @throws CenterError CONFIG_INVALID that says what is wrong, and in which entry; it shows nothing of any. */
  constructor(path: string, options: TokensFileOptions) {
    this.#path = path;
    this.#options = options;
    this.#readAs = this.#seenAs = lookSync(path);
    this.#tokens = readTokens(path);
  }

  get tokens(): readonly ListedToken[] {
    return this.#tokens;
  }

  /** Begins to watch the file. */
  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#lookIn(0);
    try {
      // The folder: a file that is replaced, or reached through a link that is, would be lost to a watcher of its own.
      this.#watcher = watch(dirname(this.#path), { persistent: false }, () => this.#onChange());
      this.#watcher.on("error", () => this.#watcher?.close());
    } catch {
      // Not every file system can tell of changes: then looking has to do.
    }
  }

  stop(): void {
    this.#isRunning = false;
    clearTimeout(this.#timer);
    this.#watcher?.close();
  }

  /** Something in the folder has changed. Whatever goes on there, the next look is not put off. */
  #onChange(): void {
    if (this.#dueAt - performance.now() > SETTLE_MS) this.#lookIn(SETTLE_MS);
  }

  #lookIn(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#isRunning) return;
    this.#dueAt = performance.now() + ms;
    this.#timer = setTimeout(() => void this.#look(), ms).unref();
  }

  async #look(): Promise<void> {
    const looks = await look(this.#path);
    if (!this.#isRunning) return;
    const hasSettled = looks === this.#seenAs;
    this.#seenAs = looks;
    if (looks === this.#readAs) {
      this.#lookIn(LOOK_MS);
    } else if (hasSettled) {
      this.#read(looks);
      this.#lookIn(LOOK_MS);
    } else {
      this.#lookIn(SETTLE_MS);
    }
  }

  #read(looks: string): void {
    this.#readAs = looks;
    try {
      this.#tokens = readTokens(this.#path);
      this.#options.onRead(this.#tokens.map(({ name }) => name));
    } catch (error) {
      this.#options.onFault(
        error instanceof CenterError
          ? error
          : new CenterError("INTERNAL", "the tokens file was not read", { cause: error }),
      );
    }
  }
}

function readTokens(path: string): ListedToken[] {
  const read = readJsonFile(path);
  if ("problem" in read) throw new CenterError("CONFIG_INVALID", `the tokens file ${path} ${read.problem}`);
  const checked = tokenList.safeParse(read.value);
  if (!checked.success) throw invalid(path, problemOf(checked.error.issues[0]));
  const entries = checked.data;
  refuseTwins(path, entries, "name", ({ name }) => name);
  refuseTwins(path, entries, "sha256", ({ sha256 }) => sha256.toLowerCase());
  return entries.map(({ name, sha256, scopes, expiresAt }) => ({
    name,
    sha256: Buffer.from(sha256, "hex"),
    scopes: new Set(scopes),
    expiresAt: expiresAt === undefined ? Infinity : Date.parse(expiresAt),
  }));
}

function refuseTwins(
  path: string,
  entries: readonly TokenEntry[],
  key: string,
  of: (entry: TokenEntry) => string,
): void {
  const seen = new Map<string, number>();
  for (const [index, entry] of entries.entries()) {
    const twin = seen.get(of(entry));
    if (twin !== undefined) throw invalid(path, `entries ${twin + 1} and ${index + 1} have the same ${key}`);
    seen.set(of(entry), index);
  }
}

/** Says nothing that stands in the file: what was put into the wrong place may be a token. */
function problemOf(issue: z.core.$ZodIssue | undefined): string {
  const [index, ...place] = issue?.path ?? [];
  const where = typeof index === "number" ? [`entry ${index + 1}`, ...place.map(String)].join(", ") : "";
  const what =
    issue?.code === "unrecognized_keys"
      ? `there is a key other than ${Object.keys(tokenEntry.shape).join(", ")}`
      : (issue?.message ?? "it is not valid");
  return where === "" ? what : `${where}: ${what}`;
}

function invalid(path: string, problem: string): CenterError {
  return new CenterError("CONFIG_INVALID", `the tokens file ${path}: ${problem}`);
}

type Look = { dev: bigint; ino: bigint; size: bigint; mtimeNs: bigint; ctimeNs: bigint };

function lookOf({ dev, ino, size, mtimeNs, ctimeNs }: Look): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(":");
}

/** What tells that the file is another, or has other content; links are followed. */
async function look(path: string): Promise<string> {
  return stat(path, { bigint: true }).then(lookOf, (error: NodeJS.ErrnoException) => `no: ${error.code}`);
}

function lookSync(path: string): string {
  try {
    return lookOf(statSync(path, { bigint: true }));
  } catch (error) {
    return `no: ${(error as NodeJS.ErrnoException).code}`;
  }
}
