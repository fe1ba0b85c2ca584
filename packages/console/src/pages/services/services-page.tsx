import { Accordion, Badge, Code, Group, Stack, Text, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { useServices } from "../../api/services.ts";
import { useMessages } from "../../i18n/language.tsx";
import { Page } from "../../shared/page.tsx";
import { Empty, Failed, Loading } from "../../shared/states.tsx";
import { serviceMessages } from "./messages.ts";
import { MethodCall } from "./method-call.tsx";
import { filterOffers, type Offer, offersOf } from "./offers.ts";

export default function ServicesPage() {
  const t = useMessages(serviceMessages);
  const [text, setText] = useState("");
  const { data, error, refetch } = useServices();
  const offers = useMemo(() => filterOffers(offersOf(data?.services ?? []), text), [data, text]);
  return (
    <Page title={t.title}>
      <Text size="sm">{t.intro}</Text>
      {error !== null && <Failed error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Loading />}
      {data?.services.length === 0 && <Empty title={t.none}>{t.noneHint}</Empty>}
      {data !== undefined && data.services.length > 0 && (
        <>
          <TextInput
            aria-label={t.filter}
            placeholder={t.filter}
            leftSection={<IconSearch size={16} aria-hidden />}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            maw={420}
          />
          {offers.map((offer) => (
            <ServiceOffer key={`${offer.name} ${offer.nodeIds[0]}`} offer={offer} />
          ))}
        </>
      )}
    </Page>
  );
}

function ServiceOffer({ offer }: { offer: Offer }) {
  const t = useMessages(serviceMessages);
  const { metadata, methods, name, nodeIds } = offer;
  return (
    <Stack gap="xs" component="section" aria-label={name}>
      <Group gap="sm">
        <Text component="h2" fw={700} m={0}>
          {name}
        </Text>
        <Badge variant="light" autoContrast>
          {t.nodes(nodeIds.length)}
        </Badge>
        {Object.entries(metadata).map(([key, value]) => (
          <Code key={key}>
            {key}={typeof value === "string" ? value : JSON.stringify(value)}
          </Code>
        ))}
      </Group>
      <Accordion variant="contained" order={3} chevronPosition="left">
        {methods.map((method) => (
          <Accordion.Item key={method.name} value={method.name}>
            <Accordion.Control>
              <Group gap="sm" wrap="nowrap">
                <Code>{method.name}</Code>
                <Text size="sm" lineClamp={1}>
                  {method.doc}
                </Text>
              </Group>
            </Accordion.Control>
            <Accordion.Panel>
              <MethodCall offer={offer} method={method} />
            </Accordion.Panel>
          </Accordion.Item>
        ))}
      </Accordion>
    </Stack>
  );
}
