import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Router } from "wouter";
import { ConsoleApiProvider } from "./api/console-api.tsx";
import { useHashPath, useHashQuery } from "./app/hash-location.ts";
import { Shell } from "./app/shell.tsx";
import { resolveVariables, theme } from "./app/theme.ts";
import { LanguageProvider } from "./i18n/language.tsx";
import { TryClientsProvider } from "./pages/try/try-clients.tsx";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no element #root");
const queryClient = new QueryClient({
  // Where a center is lost the client goes to the next by itself: what fails then fails for good.
  defaultOptions: { queries: { retry: false, refetchOnWindowFocus: false } },
});
createRoot(root).render(
  <StrictMode>
    <LanguageProvider>
      <MantineProvider theme={theme} cssVariablesResolver={resolveVariables} defaultColorScheme="auto">
        <Notifications />
        <QueryClientProvider client={queryClient}>
          <ConsoleApiProvider>
            <Router hook={useHashPath} searchHook={useHashQuery}>
              <TryClientsProvider>
                <Shell />
              </TryClientsProvider>
            </Router>
          </ConsoleApiProvider>
        </QueryClientProvider>
      </MantineProvider>
    </LanguageProvider>
  </StrictMode>,
);
