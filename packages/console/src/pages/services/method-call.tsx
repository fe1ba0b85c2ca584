import { Code, Group, JsonInput, Select, Stack, Text } from "@mantine/core";
import { useState } from "react";
import type { ServiceInfo } from "@websocket-center/protocol";
import { useClient } from "../../api/console-api.tsx";
import { callService, type NodeResult } from "../../api/hub.ts";
import { useMessages } from "../../i18n/language.tsx";
import { Fold } from "../../shared/fold.tsx";
import { parseJson } from "../../shared/json.ts";
import { sharedMessages } from "../../shared/messages.ts";
import { ResultsByNode } from "../../shared/results-by-node.tsx";
import { Failed } from "../../shared/states.tsx";
import { ScopedButton } from "../../shared/scoped-button.tsx";
import { serviceMessages } from "./messages.ts";
import { exampleOf, type Offer } from "./offers.ts";

/** What a method is for, what it takes, and a way to call it. */
export function MethodCall({ offer, method }: { offer: Offer; method: ServiceInfo["methods"][number] }) {
  const t = useMessages(serviceMessages);
  const shared = useMessages(sharedMessages);
  const client = useClient();
  const [where, setWhere] = useState("all");
  const [text, setText] = useState(() => JSON.stringify(exampleOf(method.params), null, 2));
  const [isUnderWay, setUnderWay] = useState(false);
  const [results, setResults] = useState<NodeResult[]>();
  const [failure, setFailure] = useState<unknown>();
  const parsed = parseJson(text);
  const call = async (): Promise<void> => {
    if (!parsed.ok) return;
    setUnderWay(true);
    setFailure(undefined);
    setResults(undefined);
    const place = where === "all" || where === "one" ? ({ mode: where } as const) : { nodeId: where };
    try {
      const { value } = await callService(client, {
        service: offer.name,
        method: method.name,
        params: parsed.value,
        ...place,
      });
      setResults(value);
    } catch (error) {
      setFailure(error);
    } finally {
      setUnderWay(false);
    }
  };
  return (
    <Stack gap="sm" align="stretch">
      <Text size="sm">{method.doc}</Text>
      <JsonInput
        label={t.params}
        value={text}
        onChange={setText}
        autosize
        minRows={3}
        maxRows={16}
        error={parsed.ok ? undefined : shared.invalidJson(parsed.problem)}
        formatOnBlur
      />
      <Group align="flex-end" gap="sm">
        <Select
          label={t.where}
          value={where}
          onChange={(value) => setWhere(value ?? "all")}
          allowDeselect={false}
          w={320}
          data={[
            { value: "all", label: t.onAll },
            { value: "one", label: t.onAny },
            ...offer.nodeIds.map((id) => ({ value: id, label: t.onNode(id.slice(0, 12)) })),
          ]}
        />
        <ScopedButton
          scope={method.scope}
          onClick={() => void call()}
          loading={isUnderWay}
          disabled={!parsed.ok}
        >
          {t.call}
        </ScopedButton>
        <Text size="sm">
          {t.scope}: <Code>{method.scope}</Code>
        </Text>
      </Group>
      {failure !== undefined && <Failed error={failure} />}
      {results !== undefined && <ResultsByNode results={results} />}
      <Group gap="xs" align="flex-start">
        <Fold label={t.paramsSchema}>
          <Code block>{JSON.stringify(method.params, null, 2)}</Code>
        </Fold>
        <Fold label={t.resultSchema}>
          <Code block>{JSON.stringify(method.result, null, 2)}</Code>
        </Fold>
      </Group>
    </Stack>
  );
}
