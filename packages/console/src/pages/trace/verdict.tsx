import { Alert, Stack } from "@mantine/core";
import { type Formats, useFormats } from "../../i18n/formats.ts";
import { useMessages } from "../../i18n/language.tsx";
import { Section } from "../../shared/section.tsx";
import type { Account } from "./account.ts";
import { conclude, type Conclusion } from "./conclusions.ts";
import { traceMessages } from "./messages.ts";

const colors = { good: "teal", bad: "red", neutral: "blue" } as const;

/** What became of it, in sentences. */
export function Verdict({ account }: { account: Account }) {
  const t = useMessages(traceMessages);
  const formats = useFormats();
  return (
    <Section title={t.verdict}>
      <Stack gap="xs">
        {conclude(account).map((conclusion, at) => {
          const text = textOf(conclusion, t, formats);
          return (
            <Alert key={`${at} ${text}`} color={colors[conclusion.tone]} p="xs">
              {text}
            </Alert>
          );
        })}
      </Stack>
    </Section>
  );
}

function textOf(conclusion: Conclusion, t: (typeof traceMessages)["en"], formats: Formats): string {
  const time = "at" in conclusion ? formats.clock(conclusion.at) : "";
  switch (conclusion.kind) {
    case "unknown-call":
      return t.unknownCall;
    case "nothing-remembered":
      return t.nothingRemembered;
    case "no-nodes":
      return t.noNodes(time, conclusion.command);
    case "nobody-held":
      return t.nobodyHeld(time, conclusion.command);
    case "nobody-matched":
      return t.nobodyMatched(time, conclusion.command, conclusion.nodes);
    case "queued": {
      const { command, matched, queued } = conclusion;
      return t.queued(time, command, queued, matched === undefined ? "" : t.ofMatched(matched));
    }
    case "changed":
      return t.changed(time, conclusion.command, conclusion.result);
    case "not-queued":
      return t.notQueued(time, conclusion.connectionId, conclusion.reason);
    case "node-failed": {
      const say = conclusion.isUnknown ? t.nodeUnknown : t.nodeFailed;
      return say(time, conclusion.nodeId, conclusion.code);
    }
    case "closed":
      return t.closed(time, conclusion.connectionId, String(conclusion.code));
    case "slow":
      return t.slow(time, conclusion.connectionId);
    case "missing":
      return t.missing(conclusion.names);
    case "since":
      return t.since(formats.dateTime(conclusion.at));
  }
}
