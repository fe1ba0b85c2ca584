import { messageOf } from "./texts.ts";

/** The value of a JSON text, or what is wrong with it. */
export function parseJson(text: string): { ok: true; value: unknown } | { ok: false; problem: string } {
  try {
    return { ok: true, value: JSON.parse(text) as unknown };
  } catch (error) {
    return { ok: false, problem: messageOf(error) };
  }
}
