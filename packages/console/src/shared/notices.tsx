import { Anchor, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { CallFailure } from "../api/problem.ts";
import type { NodeResult } from "../api/hub.ts";
import { useMessages } from "../i18n/language.tsx";
import { sharedMessages } from "./messages.ts";
import { messageOf } from "./texts.ts";

export interface Notices {
  done: (text: string, callId?: string) => void;
  /** What a call came to at nodes: a failure at any of them is told. */
  told: (text: string, results: readonly NodeResult[], callId?: string) => void;
  failed: (error: unknown) => void;
}

/** Tells what came of an action, with the call to look up. */
export function useNotices(): Notices {
  const t = useMessages(sharedMessages);
  const show = (color: string, title: string, text: string, callId: string | undefined): void => {
    notifications.show({
      color,
      title,
      closeButtonProps: { "aria-label": t.close },
      message: (
        <>
          {text !== "" && <Text size="sm">{text}</Text>}
          {callId !== undefined && (
            <Anchor size="xs" href={`#/trace?callId=${callId}`} underline="always">
              {t.callId(callId)}
            </Anchor>
          )}
        </>
      ),
    });
  };
  const done: Notices["done"] = (text, callId) => show("teal", text, "", callId);
  return {
    done,
    told: (text, results, callId) => {
      const failures = results.filter((result) => !result.ok);
      if (failures.length === 0) done(text, callId);
      else
        show(
          "red",
          t.failedAtNodes(failures.length),
          failures.map(({ message }) => message).join("; "),
          callId,
        );
    },
    failed: (error) => {
      const failure = error instanceof CallFailure ? error : undefined;
      show("red", failure?.code ?? "ERROR", messageOf(error), failure?.callId);
    },
  };
}
