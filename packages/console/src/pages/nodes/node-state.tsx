import { Badge } from "@mantine/core";
import type { OpsNode } from "@websocket-center/protocol";
import { useMessages } from "../../i18n/language.tsx";
import { nodeMessages } from "./messages.ts";

const colors = { linked: "teal", suspect: "red", draining: "orange", full: "orange" } as const;

/** What is to be known of a node first. */
export function NodeState({ node }: { node: Pick<OpsNode, "state" | "draining" | "full"> }) {
  const t = useMessages(nodeMessages);
  const state = stateOf(node);
  return (
    <Badge color={colors[state]} variant="light" autoContrast>
      {t.states[state]}
    </Badge>
  );
}

function stateOf({
  state,
  draining,
  full,
}: Pick<OpsNode, "state" | "draining" | "full">): keyof typeof colors {
  if (state === "suspect") return "suspect";
  if (draining) return "draining";
  return full ? "full" : "linked";
}
