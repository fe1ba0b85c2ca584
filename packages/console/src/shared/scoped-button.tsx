import { Button, type ButtonProps, Tooltip } from "@mantine/core";
import type { Scope } from "@websocket-center/protocol";
import type { ReactNode } from "react";
import { useMay } from "../api/console-api.tsx";
import { useMessages } from "../i18n/language.tsx";
import { sharedMessages } from "./messages.ts";

/** A button for what needs a scope: without it, it cannot be pressed, and says why. */
export function ScopedButton({
  scope,
  disabled = false,
  children,
  ...button
}: ButtonProps & { scope: Scope; children: ReactNode; onClick?: () => void; type?: "button" | "submit" }) {
  const t = useMessages(sharedMessages);
  const may = useMay(scope);
  return (
    // A button that is disabled tells nobody that the pointer is over it.
    <Tooltip label={t.notAllowed(scope)} disabled={may}>
      <span>
        <Button {...button} disabled={disabled || !may}>
          {children}
        </Button>
      </span>
    </Tooltip>
  );
}
