import { Paper, Text } from "@mantine/core";
import classes from "./tile.module.css";

/** A number of note. `tone`: whether it asks for attention. */
export function Tile({
  label,
  value,
  hint,
  tone = "calm",
}: {
  label: string;
  value: string;
  hint?: string | undefined;
  tone?: "calm" | "alarm";
}) {
  return (
    <Paper withBorder p="sm" radius="md" data-tone={tone} className={classes["tile"]}>
      <Text size="sm" className={classes["label"]}>
        {label}
      </Text>
      <Text fw={700} size="xl" className={classes["value"]}>
        {value}
      </Text>
      <Text size="xs" className={classes["label"]} mih={18}>
        {hint}
      </Text>
    </Paper>
  );
}
