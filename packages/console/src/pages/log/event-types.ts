import type { centerEventTypes, nodeEventTypes } from "@websocket-center/protocol";

type EventType = (typeof nodeEventTypes)[number] | (typeof centerEventTypes)[number];

/** How urgent each type of event is, which is its colour. The types hold it equal to what centers and nodes tell of. */
const tones = {
  open: "good",
  close: "calm",
  refused: "bad",
  bind: "good",
  unbind: "calm",
  join: "good",
  leave: "calm",
  message: "calm",
  send: "calm",
  "slow-consumer": "bad",
  error: "bad",
  link: "warn",
  drain: "warn",
  call: "calm",
  "call-failed": "bad",
  "node-joined": "good",
  "node-left": "warn",
  "node-suspect": "bad",
  "link-refused": "bad",
} as const satisfies Record<EventType, "good" | "calm" | "warn" | "bad">;

export const eventTypes = Object.keys(tones);

export function toneOf(type: string): "good" | "calm" | "warn" | "bad" {
  return Object.hasOwn(tones, type) ? tones[type as EventType] : "warn";
}
