import { JsonInput, Textarea } from "@mantine/core";
import { useMessages } from "../../i18n/language.tsx";
import { sharedMessages } from "../../shared/messages.ts";
import { explorerMessages } from "./messages.ts";
import type { BodyType, TypedBody } from "./typed-body.ts";

/** Where a body is typed. */
export function BodyInput({
  type,
  text,
  typed,
  onChange,
}: {
  type: BodyType;
  text: string;
  typed: TypedBody;
  onChange: (text: string) => void;
}) {
  const t = useMessages(explorerMessages);
  const shared = useMessages(sharedMessages);
  const error = typed.ok ? undefined : shared.invalidJson(typed.problem);
  const common = { value: text, autosize: true, minRows: 3, error };
  return type === "application/json" ? (
    <JsonInput {...common} label={t.body} onChange={onChange} formatOnBlur />
  ) : (
    <Textarea
      {...common}
      label={t.lines}
      onChange={(event) => onChange(event.currentTarget.value)}
      styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
    />
  );
}
