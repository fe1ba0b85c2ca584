import { Paper, Select, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { useCenter } from "../../api/console-api.tsx";
import { useMessages } from "../../i18n/language.tsx";
import type { RequestBody } from "../../shared/request-body.ts";
import { BodyInput } from "./body-input.tsx";
import type { HttpCall } from "./classic-call.ts";
import { ExchangeView } from "./exchange-view.tsx";
import { explorerMessages } from "./messages.ts";
import type { EndpointDoc } from "./openapi.ts";
import { firstTexts, typedBody } from "./typed-body.ts";
import { useExchange } from "./use-exchange.ts";

/** Calls one of the endpoints beside the classic API. */
export function EndpointExplorer({ endpoints }: { endpoints: readonly EndpointDoc[] }) {
  const t = useMessages(explorerMessages);
  const center = useCenter();
  const exchange = useExchange();
  const [chosen, setChosen] = useState(0);
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>({});
  const [bodies, setBodies] = useState(firstTexts);
  const endpoint = endpoints[chosen];
  if (endpoint === undefined) return null;
  const { bodyType } = endpoint;
  const typed = bodyType === undefined ? undefined : typedBody(bodyType, bodies[bodyType]);
  const call = callOf(center, endpoint, texts, typed?.ok === true ? typed.body : undefined);
  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="sm">
      <Paper withBorder p="md" radius="md">
        <Stack gap="sm">
          <Select
            label={t.endpoint}
            data={endpoints.map(({ method, path }, at) => ({
              value: String(at),
              label: `${method} ${path}`,
            }))}
            value={String(chosen)}
            onChange={(value) => setChosen(Number(value ?? 0))}
            allowDeselect={false}
            searchable
          />
          <Text size="sm">{endpoint.summary}</Text>
          {[...endpoint.places, ...endpoint.query].map((name) => (
            <TextInput
              key={name}
              label={name}
              withAsterisk={endpoint.places.includes(name)}
              value={texts[name] ?? ""}
              onChange={({ currentTarget }) => setTexts({ ...texts, [name]: currentTarget.value })}
            />
          ))}
          {bodyType !== undefined && typed !== undefined && (
            <BodyInput
              type={bodyType}
              text={bodies[bodyType]}
              typed={typed}
              onChange={(text) => setBodies({ ...bodies, [bodyType]: text })}
            />
          )}
        </Stack>
      </Paper>
      <ExchangeView
        call={call}
        exchange={exchange}
        isEndless={endpoint.isEndless}
        isValid={typed?.ok !== false}
      />
    </SimpleGrid>
  );
}

function callOf(
  base: string,
  { method, path, places, query }: EndpointDoc,
  texts: Readonly<Record<string, string>>,
  body: RequestBody | undefined,
): HttpCall {
  const filled = places.reduce(
    (text, name) => text.replace(`{${name}}`, encodeURIComponent(texts[name] ?? "")),
    path.replace(/^\//, ""),
  );
  const url = new URL(filled, base);
  for (const name of query) {
    const text = texts[name] ?? "";
    if (text !== "") url.searchParams.set(name, text);
  }
  return { method, url: url.href, body };
}
