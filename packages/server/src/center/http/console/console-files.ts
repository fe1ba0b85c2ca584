import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** Where `npm run build` puts the console: a folder of this package. */
const builtFolder = fileURLToPath(new URL("../../../../console", import.meta.url));

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".webmanifest": "application/manifest+json; charset=utf-8",
  ".svg": "image/svg+xml; charset=utf-8",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
};

/** A file of the console, read when it is first asked for and kept. */
export class ConsoleFile {
  /** Its place below `/console/`, with slashes. */
  readonly name: string;
  readonly type: string;
  /** Whether its name changes with what is in it. */
  readonly isHashed: boolean;
  readonly #path: string;
  #content: { bytes: Buffer; etag: string } | undefined;

  constructor(folder: string, name: string) {
    this.name = name;
    this.#path = path.join(folder, name);
    this.type = types[path.extname(name)] ?? "application/octet-stream";
    this.isHashed = /^assets\/.+-[\w-]{8}\.\w+$/.test(name);
  }

  /** @throws the error of the file system, where the file went meanwhile. */
  get content(): { bytes: Buffer; etag: string } {
    this.#content ??= contentOf(readFileSync(this.#path));
    return this.#content;
  }
}

function contentOf(bytes: Buffer): { bytes: Buffer; etag: string } {
  return { bytes, etag: createHash("sha256").update(bytes).digest("base64url").slice(0, 22) };
}

/** The files that are there now: nothing else is ever served. None where the console is not built. */
export function consoleFiles(folder: string = builtFolder): ConsoleFile[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
      .map((name) => new ConsoleFile(folder, name.split(path.sep).join("/")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
