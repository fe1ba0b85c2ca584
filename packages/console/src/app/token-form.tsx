import { Button, Center, Paper, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useConsoleApi } from "../api/console-api.tsx";
import { useMessages } from "../i18n/language.tsx";
import { appMessages } from "./messages.ts";

/** Shown where the center answers 401. */
export function TokenForm() {
  const t = useMessages(appMessages);
  const { session, feed } = useConsoleApi();
  const [text, setText] = useState("");
  const wasRefused = session.token !== "";
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    session.token = text.trim();
    feed.start();
  };
  return (
    <Center component="main" mih="100vh" p="md">
      <Paper component="form" withBorder p="xl" radius="md" maw={420} w="100%" onSubmit={submit}>
        <Stack>
          <Title order={1} size="h3">
            {t.tokenTitle}
          </Title>
          <Text size="sm" c="dimmed">
            {t.tokenHint}
          </Text>
          <PasswordInput
            label={t.token}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            error={wasRefused ? t.tokenRefused : undefined}
            autoComplete="off"
            data-autofocus
            required
          />
          <Button type="submit">{t.tokenSubmit}</Button>
        </Stack>
      </Paper>
    </Center>
  );
}
