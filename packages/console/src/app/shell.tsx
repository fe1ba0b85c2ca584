import { Alert, AppShell, Badge, Burger, Group, NavLink, ScrollArea, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconPlugConnectedX } from "@tabler/icons-react";
import { Suspense, useEffect } from "react";
import { Link, Route, Switch, useLocation } from "wouter";
import { useLive } from "../api/console-api.tsx";
import { useMessages } from "../i18n/language.tsx";
import { Empty, Loading } from "../shared/states.tsx";
import { CenterChoice } from "./center-choice.tsx";
import { appMessages } from "./messages.ts";
import { PageBoundary } from "./page-boundary.tsx";
import { loadPages, pageEntries } from "./pages.tsx";
import { Preferences } from "./preferences.tsx";
import classes from "./shell.module.css";
import { TokenForm } from "./token-form.tsx";

export function Shell() {
  const t = useMessages(appMessages);
  const [isOpen, { toggle, close }] = useDisclosure();
  const [location] = useLocation();
  const { status, state } = useLive();
  useEffect(close, [location, close]);
  const isLive = status === "live";
  useEffect(() => {
    if (isLive) void loadPages();
  }, [isLive]);
  if (status === "token-needed") return <TokenForm />;
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 220, breakpoint: "sm", collapsed: { mobile: !isOpen } }}
      padding="md"
    >
      <a className={classes["skip"]} href="#content" onClick={focusContent}>
        {t.skip}
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" gap="sm" wrap="nowrap">
          <Burger opened={isOpen} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={t.openNavigation} />
          <Text fw={700} visibleFrom="xs">
            websocket-center
          </Text>
          <Status />
          <Preferences />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label={t.navigation}>
        <ScrollArea>
          {pageEntries.map(({ path, name, icon: Icon }) =>
            name === undefined || Icon === undefined ? null : (
              <NavLink
                key={path}
                component={Link}
                to={path}
                label={t.pages[name]}
                leftSection={<Icon size={18} aria-hidden />}
                active={isAt(location, path)}
                aria-current={isAt(location, path) ? "page" : undefined}
              />
            ),
          )}
        </ScrollArea>
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1} className={classes["main"]}>
        {status === "lost" && (
          <Alert
            color="orange"
            mb="md"
            icon={<IconPlugConnectedX aria-hidden />}
            title={t.lostTitle}
            role="alert"
          >
            {t.lostHint}
          </Alert>
        )}
        {state === undefined && status === "connecting" ? <Loading /> : <Pages />}
      </AppShell.Main>
    </AppShell>
  );
}

function Pages() {
  const t = useMessages(appMessages);
  return (
    <PageBoundary>
      <Suspense fallback={<Loading />}>
        <Switch>
          {pageEntries.map(({ path, page }) => (
            <Route key={path} path={path} component={page} />
          ))}
          <Route>
            <Empty title={t.notFound}>{t.notFoundHint}</Empty>
          </Route>
        </Switch>
      </Suspense>
    </PageBoundary>
  );
}

const statusColors = { connecting: "gray", live: "green", lost: "orange", "token-needed": "gray" } as const;

function Status() {
  const t = useMessages(appMessages);
  const { status } = useLive();
  return (
    <Group gap="xs" ml="auto" wrap="nowrap">
      <Badge color={statusColors[status]} variant="light" autoContrast role="status" data-status={status}>
        {t.status[status]}
      </Badge>
      <CenterChoice />
    </Group>
  );
}

function isAt(location: string, path: string): boolean {
  return path === "/" ? location === "/" : location === path || location.startsWith(`${path}/`);
}

/** The page's address holds which page is shown, so that a link within it cannot be followed as usual. */
function focusContent(event: { preventDefault: () => void }): void {
  event.preventDefault();
  document.getElementById("content")?.focus();
}
