import { Anchor, List, Stack, Text } from "@mantine/core";
import { Component, type ReactNode } from "react";
import { useLocation } from "wouter";
import { useCenters } from "../api/console-api.tsx";
import { useMessages } from "../i18n/language.tsx";
import { Failed } from "../shared/states.tsx";
import { appMessages } from "./messages.ts";

/**
 * Keeps what goes wrong with a page within it, until another one is shown. The likely cause is that it could not be
 * loaded, since the center that this console came from is gone.
 */
export function PageBoundary({ children }: { children: ReactNode }) {
  const [location] = useLocation();
  return <Boundary location={location}>{children}</Boundary>;
}

interface BoundaryProps {
  location: string;
  children: ReactNode;
}

class Boundary extends Component<BoundaryProps, { error: unknown }> {
  override state = { error: undefined };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override componentDidUpdate({ location }: BoundaryProps): void {
    if (this.props.location !== location) this.setState({ error: undefined });
  }

  override render(): ReactNode {
    const { error } = this.state;
    return error === undefined ? this.props.children : <BrokenPage error={error} />;
  }
}

function BrokenPage({ error }: { error: unknown }) {
  const t = useMessages(appMessages);
  const centers = useCenters();
  return (
    <Stack>
      <Failed error={error} />
      <Text size="sm">{t.brokenHint}</Text>
      <List size="sm">
        {centers.toSorted().map((base) => (
          <List.Item key={base}>
            <Anchor href={`${base}console/${location.hash}`}>{`${base}console/`}</Anchor>
          </List.Item>
        ))}
      </List>
    </Stack>
  );
}
