import { Button, Group, Paper, Select, SimpleGrid, Text, TextInput } from "@mantine/core";
import { IconPlus, IconUsersPlus } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import { useLive } from "../../api/console-api.tsx";
import { useMessages } from "../../i18n/language.tsx";
import { Page } from "../../shared/page.tsx";
import { Empty } from "../../shared/states.tsx";
import { ClientCard } from "./client-card.tsx";
import { tryMessages } from "./messages.ts";
import type { Place, TrySettings } from "./try-client.ts";
import { useTryClients } from "./try-clients.tsx";

const FIRST_USERS = ["ada", "bob"] as const;

export default function TryPage() {
  const t = useMessages(tryMessages);
  const clients = useTryClients();
  const { state } = useLive();
  const addTwo = (): void => {
    const urls = (state?.nodes ?? []).map(({ publicUrl }) => publicUrl);
    for (const [at, userId] of FIRST_USERS.entries()) {
      const url = urls[at % Math.max(urls.length, 1)];
      const place: Place = url === undefined ? { kind: "any" } : { kind: "node", url };
      clients.add({ place, userId, params: "", token: "" });
    }
  };
  return (
    <Page
      title={t.title}
      actions={
        <Button leftSection={<IconUsersPlus size={16} aria-hidden />} onClick={addTwo}>
          {t.addTwo}
        </Button>
      }
    >
      <Text size="sm">{t.intro}</Text>
      <NewClient onAdd={(settings) => clients.add(settings)} />
      {clients.clients.length === 0 && <Empty title={t.empty}>{t.emptyHint}</Empty>}
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="sm">
        {clients.clients.map((client) => (
          <ClientCard
            key={client.number}
            client={client}
            others={clients.clients.filter((other) => other !== client)}
            onRemove={() => clients.remove(client)}
          />
        ))}
      </SimpleGrid>
    </Page>
  );
}

function NewClient({ onAdd }: { onAdd: (settings: TrySettings) => void }) {
  const t = useMessages(tryMessages);
  const { state } = useLive();
  const [where, setWhere] = useState("any");
  const [userId, setUserId] = useState("");
  const [params, setParams] = useState("");
  const [token, setToken] = useState("");
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onAdd({ place: placeOf(where), userId, params, token });
  };
  return (
    <Paper withBorder p="md" radius="md" component="form" onSubmit={submit}>
      <Group gap="sm" align="flex-start">
        <Select
          label={t.where}
          value={where}
          onChange={(value) => setWhere(value ?? "any")}
          allowDeselect={false}
          w={260}
          data={[
            { value: "any", label: t.anyNode },
            { value: "assigned", label: t.assigned },
            ...(state?.nodes ?? []).map(({ publicUrl }) => ({ value: publicUrl, label: publicUrl })),
          ]}
        />
        <TextInput
          label={t.user}
          description={t.userHint}
          inputWrapperOrder={["label", "input", "description"]}
          value={userId}
          onChange={(event) => setUserId(event.currentTarget.value)}
          required={where === "assigned"}
        />
        <TextInput
          label={t.params}
          placeholder={t.paramsHint}
          value={params}
          onChange={(event) => setParams(event.currentTarget.value)}
        />
        <TextInput
          label={t.token}
          description={t.tokenHint}
          inputWrapperOrder={["label", "input", "description"]}
          value={token}
          onChange={(event) => setToken(event.currentTarget.value)}
          autoComplete="off"
        />
        <Button type="submit" variant="light" mt={25} leftSection={<IconPlus size={16} aria-hidden />}>
          {t.add}
        </Button>
      </Group>
    </Paper>
  );
}

function placeOf(where: string): Place {
  if (where === "any" || where === "assigned") return { kind: where };
  return { kind: "node", url: where };
}
