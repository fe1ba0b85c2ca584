import { Button, Group } from "@mantine/core";
import { Link } from "wouter";
import { useMessages } from "../../i18n/language.tsx";
import { hubMessages } from "./messages.ts";

/** From a connection, user or group to what else can be done with it. */
export function SubjectLinks({ kind, id }: { kind: "connection" | "user" | "group"; id: string }) {
  const t = useMessages(hubMessages);
  const query = new URLSearchParams({ [`${kind}Id`]: id }).toString();
  return (
    <Group gap="xs">
      <Button component={Link} to={`/send?${query}`} variant="default">
        {t.send}
      </Button>
      <Button component={Link} to={`/trace?${query}`} variant="default">
        {t.trace}
      </Button>
      {kind !== "group" && (
        <Button component={Link} to={`/watch?${query}`} variant="default">
          {t.watch}
        </Button>
      )}
    </Group>
  );
}
