import { ActionIcon, Group, Menu, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { IconLanguage, IconLogout, IconMoon, IconSun } from "@tabler/icons-react";
import { useConsoleApi, useLive } from "../api/console-api.tsx";
import { type Language, languages, useLanguage, useMessages } from "../i18n/language.tsx";
import { appMessages } from "./messages.ts";

/** Language, colours, and the way to forget the token. */
export function Preferences() {
  const t = useMessages(appMessages);
  const { choose, language } = useLanguage();
  const { setColorScheme } = useMantineColorScheme();
  const isDark = useComputedColorScheme("light") === "dark";
  const { session, feed } = useConsoleApi();
  const { state } = useLive();
  const signOut = (): void => {
    session.token = "";
    feed.start();
  };
  return (
    <Group gap={4} wrap="nowrap">
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={t.language}>
            <IconLanguage size={20} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {(Object.keys(languages) as Language[]).map((each) => (
            <Menu.Item
              key={each}
              lang={each === "zh" ? "zh-CN" : "en"}
              onClick={() => choose(each)}
              fw={each === language ? 700 : undefined}
            >
              {languages[each]}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={isDark ? t.toLight : t.toDark}
        onClick={() => setColorScheme(isDark ? "light" : "dark")}
      >
        {isDark ? <IconSun size={20} aria-hidden /> : <IconMoon size={20} aria-hidden />}
      </ActionIcon>
      {state?.access.needsToken === true && (
        <ActionIcon variant="subtle" color="gray" aria-label={t.signOut} onClick={signOut}>
          <IconLogout size={20} aria-hidden />
        </ActionIcon>
      )}
    </Group>
  );
}
