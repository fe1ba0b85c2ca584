import { Button, Menu } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { useCenter, useCenters, useConsoleApi } from "../api/console-api.tsx";
import { useMessages } from "../i18n/language.tsx";
import { appMessages } from "./messages.ts";

/** Which center answers, and the way to ask another one. */
export function CenterChoice() {
  const t = useMessages(appMessages);
  const { session, feed } = useConsoleApi();
  const center = useCenter();
  const centers = useCenters();
  const choose = (base: string): void => {
    session.choose(base);
    feed.start();
  };
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button
          variant="subtle"
          color="gray"
          size="compact-sm"
          rightSection={<IconChevronDown size={14} aria-hidden />}
          visibleFrom="xs"
        >
          {t.through(nameOf(center))}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t.chooseCenter}</Menu.Label>
        {centers.toSorted().map((base) => (
          <Menu.Item key={base} onClick={() => choose(base)} fw={base === center ? 700 : 400}>
            {nameOf(base)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function nameOf(base: string): string {
  const { host, pathname } = new URL(base);
  return host + pathname.replace(/\/$/, "");
}
