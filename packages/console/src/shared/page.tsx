import { Group, Stack, Title } from "@mantine/core";
import { type ReactNode, useEffect } from "react";

/** A page with its heading, which is also the document's title. `actions` stand beside the heading. */
export function Page({
  title,
  actions,
  children,
}: {
  title: string;
  actions?: ReactNode;
  children: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · websocket-center`;
  }, [title]);
  return (
    <Stack gap="md">
      <Group justify="space-between" align="center">
        <Title order={1} size="h2">
          {title}
        </Title>
        {actions}
      </Group>
      {children}
    </Stack>
  );
}
