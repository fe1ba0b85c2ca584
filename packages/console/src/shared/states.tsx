import { Alert, Button, Center, Loader, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { CallFailure } from "../api/problem.ts";
import { useMessages } from "../i18n/language.tsx";
import { sharedMessages } from "./messages.ts";
import { messageOf } from "./texts.ts";

export function Loading() {
  const t = useMessages(sharedMessages);
  return (
    <Center p="xl" role="status" aria-label={t.loading}>
      <Loader />
    </Center>
  );
}

/** Nothing is there, and what to do about it. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <Center p="xl">
      <Stack align="center" gap="xs" maw={480}>
        <Text fw={600}>{title}</Text>
        <Text c="dimmed" ta="center" component="div">
          {children}
        </Text>
      </Stack>
    </Center>
  );
}

/** What went wrong, in the center's words, and a way to try again. */
export function Failed({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const t = useMessages(sharedMessages);
  const failure = error instanceof CallFailure ? error : undefined;
  return (
    <Alert
      color="red"
      icon={<IconAlertTriangle aria-hidden />}
      title={failure?.code ?? "ERROR"}
      role="alert"
      data-testid="failed"
    >
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{messageOf(error)}</Text>
        {failure?.callId !== undefined && (
          <Text size="xs" c="dimmed">
            {t.callId(failure.callId)}
          </Text>
        )}
        {onRetry !== undefined && (
          <Button size="compact-sm" variant="light" color="red" onClick={onRetry}>
            {t.retry}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}
