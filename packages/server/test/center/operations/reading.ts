import { onTestFinished } from "vitest";
import type { Center } from "../../../src/index.js";

/** The lines of an endless answer, as they come. */
export interface Lines {
  status: number;
  headers: Headers;
  /** @returns undefined at the end. */
  next: () => Promise<Record<string, unknown> | undefined>;
  leave: () => void;
}

/** Opens `/ops/…` at the center and reads it line by line, empty ones left out. */
export async function openLines(center: Center, path: string, token?: string): Promise<Lines> {
  const controller = new AbortController();
  const leave = (): void => controller.abort();
  onTestFinished(leave);
  const response = await fetch(`http://${center.addresses.http}${path}`, {
    signal: controller.signal,
    headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
  });
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  const lines: string[] = [];
  const next = async (): Promise<Record<string, unknown> | undefined> => {
    while (lines.length === 0) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done) return undefined;
      const parts = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = parts.pop() ?? "";
      lines.push(...parts.filter((part) => part !== ""));
    }
    return JSON.parse(lines.shift() ?? "") as Record<string, unknown>;
  };
  return { status: response.status, headers: response.headers, next, leave };
}

/** Reads until a line is as wanted. */
export async function lineWhere(
  lines: Lines,
  isWanted: (line: Record<string, unknown>) => boolean,
): Promise<Record<string, unknown>> {
  for (;;) {
    const line = await lines.next();
    if (line === undefined) throw new Error("the stream ended");
    if (isWanted(line)) return line;
  }
}
