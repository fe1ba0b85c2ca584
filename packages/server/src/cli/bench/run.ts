import { randomBytes } from "node:crypto";
import type { CenterClient } from "../center-client.js";
import { BenchClients, type BindingFigures, type ConnectingFigures } from "./clients.js";
import { everyone, oneAfterTheOther } from "./deliveries.js";
import { wasLimit } from "./load-share.js";
import { measureSends, type SendFigures } from "./measure-sends.js";
import type { BenchPlan } from "./plan.js";

/** A node that takes clients. */
export interface BenchNode {
  id: string;
  url: URL;
}

/** What was measured, as far as it came. Times are milliseconds unless their names say otherwise. */
export interface BenchFigures {
  connecting?: ConnectingFigures;
  binding?: BindingFigures;
  toUser?: SendFigures;
  toGroup?: SendFigures;
  /** Clients whose connection ended before it was closed here. */
  clientsClosed: number;
}

/**
 * Connects clients, gives each a user and lets all join a group, sends to users and then to the group, and closes the
 * clients however it ends. Where `signal` aborts, what was measured until then is returned.
 *
 * @throws CommandFailure
 */
export async function runBench(settings: {
  center: CenterClient;
  nodes: readonly BenchNode[];
  plan: BenchPlan;
  timeoutMs: number;
  signal: AbortSignal;
  onStep: (text: string) => void;
}): Promise<BenchFigures> {
  const { center, nodes, plan, timeoutMs, signal, onStep } = settings;
  const prefix = `bench-${randomBytes(6).toString("hex")}`;
  const clients = new BenchClients({ prefix, timeoutMs, signal });
  const figures: BenchFigures = { clientsClosed: 0 };
  const onAbort = (): void => void clients.close();
  signal.addEventListener("abort", onAbort);
  try {
    onStep(`connecting ${plan.clients} clients, as users ${prefix}-user-…`);
    figures.connecting = await clients.connect(
      nodes.map(({ url }) => url),
      plan.clients,
    );
    if (signal.aborted) return figures;
    onStep("binding users and joining the group");
    figures.binding = await clients.bind(center);
    const shared = {
      ...{ center, clients, signal },
      ...{ seconds: plan.seconds / 2, inFlight: plan.inFlight, messageBytes: plan.messageBytes },
    };
    if (signal.aborted) return figures;
    onStep(`sending to users for ${shared.seconds} s`);
    figures.toUser = await measureSends({
      ...shared,
      phase: "u",
      audience: oneAfterTheOther(clients.size),
      rate: plan.rate,
      waits: false,
      event: "sendMessageToId",
      target: (number) => ({ id: clients.userOf(number % clients.size) }),
    });
    if (signal.aborted) return figures;
    onStep(`sending to the group for ${shared.seconds} s`);
    figures.toGroup = await measureSends({
      ...shared,
      phase: "g",
      audience: everyone(clients.size),
      rate: plan.groupRate,
      waits: plan.groupRate === "max",
      event: "sendToGroup",
      target: () => ({ groupId: clients.groupId }),
    });
    return figures;
  } catch (error) {
    // What was under way failed because everything was ended.
    if (!signal.aborted) throw error;
    return figures;
  } finally {
    figures.clientsClosed = clients.closed;
    signal.removeEventListener("abort", onAbort);
    await clients.close();
  }
}

/** What went wrong with messages and clients: a cluster in order has nothing of it. */
export function faultsOf({ connecting, toUser, toGroup, clientsClosed }: BenchFigures): string[] {
  const faults: string[] = [];
  const add = (what: string, count: number, first = ""): void => {
    if (count > 0) faults.push(`${what}: ${count}${first === "" ? "" : `; the first: ${first}`}`);
  };
  if (connecting !== undefined) {
    const { asked, connected, refused, firstRefusal } = connecting;
    add("clients that were not let in", refused, firstRefusal);
    add("clients that were not connected in time", asked - connected - refused);
  }
  add("clients whose connections ended meanwhile", clientsClosed);
  for (const [name, sends] of [["users", toUser] as const, ["the group", toGroup] as const]) {
    if (sends === undefined) continue;
    const { failed, firstFailure, lost, duplicates, strays } = sends;
    add(`calls to ${name} that failed`, failed, firstFailure);
    add(`messages to ${name} that were queued and did not come`, lost);
    add(`messages to ${name} that came twice`, duplicates);
    add(`messages to ${name} that came to clients whom they were not for`, strays);
  }
  return faults;
}

/** What figures do not say that were taken this way. */
export function warningsOf({ toUser, toGroup }: BenchFigures): string[] {
  const warnings: string[] = [];
  for (const [name, sends] of [["users", toUser] as const, ["the group", toGroup] as const]) {
    if (sends === undefined) continue;
    const { load, unsent, rate } = sends;
    if (wasLimit(load)) {
      warnings.push(
        `while it sent to ${name} this process was busy ${Math.round(load.busyShare * 100)} % of the time: it may be what was measured, and not the cluster`,
      );
    }
    if (unsent > 0)
      warnings.push(
        `of ${rate} calls a second to ${name}, ${unsent} found their turn too late and were not sent`,
      );
  }
  return warnings;
}
