import { Anchor, Code, Group, Text } from "@mantine/core";
import { Link } from "wouter";
import { useServices } from "../../api/services.ts";
import { useMessages } from "../../i18n/language.tsx";
import { Section } from "../../shared/section.tsx";
import { Failed } from "../../shared/states.tsx";
import { nodeMessages } from "./messages.ts";

/** What the node offers beside being connected to. */
export function NodeServices({ nodeId }: { nodeId: string }) {
  const t = useMessages(nodeMessages);
  const { data, error, refetch } = useServices();
  const own = (data?.services ?? []).filter((service) => service.nodeId === nodeId);
  return (
    <Section
      title={t.services}
      actions={
        <Anchor component={Link} to="/services" size="sm">
          {t.callServices}
        </Anchor>
      }
    >
      {error !== null && <Failed error={error} onRetry={() => void refetch()} />}
      {own.map(({ name, metadata, methods }) => (
        <Group key={name} gap="sm">
          <Code>{name}</Code>
          <Text size="sm">{t.methods(methods.length)}</Text>
          {Object.entries(metadata).map(([key, value]) => (
            <Code key={key}>
              {key}={typeof value === "string" ? value : JSON.stringify(value)}
            </Code>
          ))}
        </Group>
      ))}
    </Section>
  );
}
