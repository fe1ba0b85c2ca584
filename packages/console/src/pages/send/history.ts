import { useSessionStorage } from "@mantine/hooks";
import type { Draft } from "./draft.ts";

const MAX_ENTRIES = 30;
/** What is larger is not kept. */
const MAX_TEXT_CHARS = 20_000;

export interface Sent {
  at: number;
  draft: Draft;
  /** How many connections queued it. */
  queued: number;
  callId: string | undefined;
}

/** What was sent from this tab, newest first. */
export function useSent(): { sent: Sent[]; add: (sent: Sent) => void; clear: () => void } {
  const [sent, setSent] = useSessionStorage<Sent[]>({ key: "wsc-sent", defaultValue: [] });
  return {
    sent,
    add: (entry) => {
      if (entry.draft.text.length > MAX_TEXT_CHARS) return;
      setSent((before) => [entry, ...before].slice(0, MAX_ENTRIES));
    },
    clear: () => setSent([]),
  };
}
