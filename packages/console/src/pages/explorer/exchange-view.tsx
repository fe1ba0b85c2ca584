import { Anchor, Badge, Button, Code, Group, ScrollArea, Stack, Text, Title } from "@mantine/core";
import { Link } from "wouter";
import { useLive } from "../../api/console-api.tsx";
import { useFormats } from "../../i18n/formats.ts";
import { useMessages } from "../../i18n/language.tsx";
import { CopyButton } from "../../shared/copy-button.tsx";
import { curlOf } from "../../shared/curl.ts";
import { Fold } from "../../shared/fold.tsx";
import { parseJson } from "../../shared/json.ts";
import { sharedMessages } from "../../shared/messages.ts";
import type { RequestBody } from "../../shared/request-body.ts";
import { Section } from "../../shared/section.tsx";
import { Failed } from "../../shared/states.tsx";
import type { HttpCall } from "./classic-call.ts";
import { explorerMessages } from "./messages.ts";
import type { Exchange, RawResponse } from "./use-exchange.ts";

const MAX_HEIGHT = 480;

/** A request, the button that sends it, and what came back. */
export function ExchangeView({
  call,
  exchange,
  isEndless = false,
  isValid = true,
}: {
  call: HttpCall;
  exchange: Exchange;
  isEndless?: boolean;
  /** Whether what was typed can be sent as it is. */
  isValid?: boolean;
}) {
  const t = useMessages(explorerMessages);
  const { state } = useLive();
  const curl = curlOf({ ...call, needsToken: state?.access.needsToken === true });
  return (
    <Section title={t.request}>
      <Stack gap="sm">
        <Code block aria-label={t.request}>
          {`${call.method} ${call.url}`}
          {call.body === undefined ? "" : `\n\n${readable(call.body)}`}
        </Code>
        <Group gap="sm">
          <Button
            onClick={() => void exchange.run(call)}
            loading={exchange.isUnderWay}
            disabled={isEndless || !isValid}
          >
            {t.send}
          </Button>
          <CopyButton text={curl} label={t.asCurl} />
          {isEndless && <Text size="sm">{t.streams}</Text>}
        </Group>
        {exchange.failure !== undefined && <Failed error={exchange.failure} />}
        {exchange.response !== undefined && <ResponseView response={exchange.response} />}
      </Stack>
    </Section>
  );
}

function readable({ type, text }: RequestBody): string {
  return type === "application/json" ? JSON.stringify(JSON.parse(text), null, 2) : text;
}

function ResponseView({ response }: { response: RawResponse }) {
  const t = useMessages(explorerMessages);
  const shared = useMessages(sharedMessages);
  const formats = useFormats();
  const { status, statusText, headers, text, ms } = response;
  const parsed = parseJson(text);
  const callId = headers.find(([name]) => name === "wsc-call-id")?.[1];
  return (
    <Stack gap="xs">
      <Group gap="sm">
        <Title order={3} size="h6">
          {t.response}
        </Title>
        <Badge color={status < 400 ? "teal" : "red"} variant="light" autoContrast>
          {`${status} ${statusText}`}
        </Badge>
        <Text size="sm">{t.took(formats.ms(ms))}</Text>
        {callId !== undefined && (
          <Anchor component={Link} to={`/trace?callId=${callId}`} size="sm" underline="always">
            {shared.callId(callId)}
          </Anchor>
        )}
      </Group>
      <ScrollArea.Autosize
        mah={MAX_HEIGHT}
        viewportProps={{ tabIndex: 0, role: "group", "aria-label": t.response }}
      >
        <Code block>{parsed.ok ? JSON.stringify(parsed.value, null, 2) : text}</Code>
      </ScrollArea.Autosize>
      <Fold label={t.headers}>
        <Code block>{headers.map(([name, value]) => `${name}: ${value}`).join("\n")}</Code>
      </Fold>
      <Fold label={t.raw}>
        <Code block style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
          {text}
        </Code>
      </Fold>
    </Stack>
  );
}
