import { Button, CopyButton as Copying } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useMessages } from "../i18n/language.tsx";
import { sharedMessages } from "./messages.ts";

/** Puts a text on the clipboard, and says so. */
export function CopyButton({ text, label }: { text: string; label?: string }) {
  const t = useMessages(sharedMessages);
  return (
    <Copying value={text}>
      {({ copied, copy }) => (
        <Button
          variant="default"
          size="compact-sm"
          onClick={copy}
          leftSection={copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />}
        >
          {copied ? t.copied : (label ?? t.copy)}
        </Button>
      )}
    </Copying>
  );
}
