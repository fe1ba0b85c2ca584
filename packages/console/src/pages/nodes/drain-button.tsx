import { useState } from "react";
import type { OpsNode } from "@websocket-center/protocol";
import { useClient } from "../../api/console-api.tsx";
import { useFormats } from "../../i18n/formats.ts";
import { useMessages } from "../../i18n/language.tsx";
import { Confirm } from "../../shared/confirm.tsx";
import { useNotices } from "../../shared/notices.tsx";
import { ScopedButton } from "../../shared/scoped-button.tsx";
import { nodeMessages } from "./messages.ts";

/** Drains a node, after a question, or ends that. */
export function DrainButton({ node }: { node: OpsNode }) {
  const t = useMessages(nodeMessages);
  const formats = useFormats();
  const client = useClient();
  const notices = useNotices();
  const [isAsking, setAsking] = useState(false);
  const [isUnderWay, setUnderWay] = useState(false);
  const change = async (to: "drain" | "undrain"): Promise<void> => {
    setAsking(false);
    setUnderWay(true);
    try {
      const { callId } = await client.call(`nodes/${node.id}/${to}`, { method: "POST", body: {} });
      notices.done(to === "drain" ? t.drained : t.undrained, callId);
    } catch (error) {
      notices.failed(error);
    } finally {
      setUnderWay(false);
    }
  };
  return (
    <>
      <ScopedButton
        scope="manage"
        color={node.draining ? "blue" : "orange"}
        variant="light"

        loading={isUnderWay}
        onClick={() => (node.draining ? void change("undrain") : setAsking(true))}
      >
        {node.draining ? t.undrain : t.drain}
      </ScopedButton>
      <Confirm
        isOpen={isAsking}
        title={t.drainTitle(node.publicUrl)}
        action={t.drain}
        color="orange"
        onConfirm={() => void change("drain")}
        onCancel={() => setAsking(false)}
      >
        {t.drainText(formats.count(node.connections))}
      </Confirm>
    </>
  );
}
