import { parseJson } from "../../shared/json.ts";
import { jsonBody, type RequestBody } from "../../shared/request-body.ts";

export type BodyType = RequestBody["type"];

/** What stands in the form before anything is typed. */
export const firstTexts: Readonly<Record<BodyType, string>> = {
  "application/json": "{}",
  "application/x-ndjson": '{"id":1,"command":"sendToUser","params":{"userId":"ada","message":"hello"}}',
};

export type TypedBody = { ok: true; body: RequestBody } | { ok: false; problem: string };

/** What was typed, as a body. Lines are sent as they were typed, but for empty ones. */
export function typedBody(type: BodyType, text: string): TypedBody {
  if (type === "application/json") {
    const parsed = parseJson(text);
    return parsed.ok ? { ok: true, body: jsonBody(parsed.value) } : parsed;
  }
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  for (const line of lines) {
    const parsed = parseJson(line);
    if (!parsed.ok) return parsed;
  }
  return { ok: true, body: { type, text: lines.join("\n") } };
}
