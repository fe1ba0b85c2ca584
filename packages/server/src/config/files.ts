import { readFileSync } from "node:fs";
import { messageOf } from "../errors.js";

/** The top level of a JSON configuration file; keys that are null count as not set. */
export interface ConfigFile {
  path: string;
  values: ReadonlyMap<string, unknown>;
}

interface Unreadable {
  problem: string;
}

export function readConfigFile(path: string): ConfigFile | Unreadable {
  const read = readJsonFile(path);
  if ("problem" in read) return { problem: `the configuration file ${path} ${read.problem}` };
  const content = read.value;
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    return { problem: `the configuration file ${path} must hold a JSON object` };
  }
  return { path, values: new Map(Object.entries(content).filter(([, value]) => value !== null)) };
}

/** What a JSON file holds. The problem goes behind the name of the file, and shows nothing of its text. */
export function readJsonFile(path: string): { value: unknown } | Unreadable {
  const read = readText(path);
  if ("problem" in read) return { problem: `cannot be read: ${read.problem}` };
  try {
    return { value: JSON.parse(read.text) as unknown };
  } catch (error) {
    return { problem: `is not valid JSON: ${withoutSnippet(messageOf(error))}` };
  }
}

/** The text of a secret's file without the line break at its end. */
export function readSecretFile(path: unknown): { text: string } | Unreadable {
  if (typeof path !== "string" || path === "") return { problem: "expected the path of a file" };
  const read = readText(path);
  if ("problem" in read) return { problem: `${path} cannot be read: ${read.problem}` };
  const text = read.text.replace(/\r?\n$/, "");
  return text.trim() === "" ? { problem: `${path} is empty` } : { text };
}

/** JSON.parse may quote the text around the fault, and that may be a secret. */
function withoutSnippet(message: string): string {
  return message.replace(/, (?:\.\.\.)?".*$/s, "");
}

const reasons: Record<string, string> = {
  ENOENT: "there is no such file",
  EACCES: "permission denied",
  EISDIR: "it is a directory",
};

export function readText(path: string): { text: string } | Unreadable {
  try {
    return { text: readFileSync(path, "utf8") };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    return { problem: reasons[code] ?? messageOf(error) };
  }
}
