import type { CommandName, Params } from "@websocket-center/protocol";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useClient } from "../../api/console-api.tsx";
import { type NodeResult, runOnHub } from "../../api/hub.ts";
import { useMessages } from "../../i18n/language.tsx";
import { useNotices } from "../../shared/notices.tsx";
import { hubMessages } from "./messages.ts";

export interface HubAction {
  isUnderWay: boolean;
  /**
   * Runs a command of the hub and tells what came of it.
   * @returns whether it went well at every node.
   */
  run: <C extends CommandName>(
    command: C,
    params: Params<C>,
    done: string | ((count: number) => string),
  ) => Promise<boolean>;
}

/** What changes users, groups and connections: afterwards, whatever is shown of them is asked for again. */
export function useHubAction(): HubAction {
  const t = useMessages(hubMessages);
  const client = useClient();
  const queries = useQueryClient();
  const notices = useNotices();
  const [isUnderWay, setUnderWay] = useState(false);
  return {
    isUnderWay,
    run: async (command, params, done) => {
      setUnderWay(true);
      try {
        const { value: results, callId } = await runOnHub(client, command, params);
        notices.told(doneText(results, done, t), results, callId);
        await queries.invalidateQueries();
        return results.every(({ ok }) => ok);
      } catch (error) {
        notices.failed(error);
        return false;
      } finally {
        setUnderWay(false);
      }
    },
  };
}

/** The change that went furthest at any node speaks for all. */
function doneText(
  results: readonly NodeResult[],
  done: string | ((count: number) => string),
  t: { unchanged: string; absent: string },
): string {
  const values = results.map((result) => (result.ok ? result.value : undefined));
  if (typeof done !== "string") {
    return done(values.reduce<number>((sum, value) => sum + (typeof value === "number" ? value : 0), 0));
  }
  if (values.includes("done")) return done;
  return values.includes("unchanged") ? t.unchanged : t.absent;
}
