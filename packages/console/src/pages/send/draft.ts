import type { Command } from "@websocket-center/protocol";
import { parseJson } from "../../shared/json.ts";

export const targets = ["everyone", "user", "group", "connection"] as const;
export type Target = (typeof targets)[number];

/** A message as it is written. `id` is of no account for everyone. */
export interface Draft {
  target: Target;
  id: string;
  format: "text" | "json";
  text: string;
}

/** The command of the hub that sends it. JSON goes out as its text, without what was put in to read it more easily. */
export function commandOf({ target, id, format, text }: Draft): Command {
  const parsed = format === "json" ? parseJson(text) : undefined;
  const message = parsed?.ok === true ? JSON.stringify(parsed.value) : text;
  switch (target) {
    case "everyone":
      return { name: "broadcast", params: { message } };
    case "user":
      return { name: "sendToUser", params: { userId: id, message } };
    case "group":
      return { name: "sendToGroup", params: { groupId: id, message } };
    case "connection":
      return { name: "sendToConnection", params: { connectionId: id, message } };
  }
}

/** What is wrong with the message, where it shall be JSON. */
export function problemOf({ format, text }: Draft): string | undefined {
  if (format === "text") return undefined;
  const parsed = parseJson(text);
  return parsed.ok ? undefined : parsed.problem;
}

/** The draft that the page's address asks for: `?userId=ada`. */
export function draftOf(params: URLSearchParams): Draft {
  const empty: Draft = { target: "everyone", id: "", format: "text", text: "" };
  for (const target of ["user", "group", "connection"] as const) {
    const id = params.get(`${target}Id`);
    if (id !== null) return { ...empty, target, id };
  }
  return empty;
}
