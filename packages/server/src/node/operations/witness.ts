import {
  type CommandMethods,
  type CommandName,
  commands as commandTable,
  type NodeEvent,
  type NodeTrace,
  subjectOf,
} from "@websocket-center/protocol";
import { codeOf } from "../../errors.js";
import type { Connection } from "../connection.js";
import type { Hub } from "../hub.js";
import type { LiveEvents } from "./live-events.js";
import { type Asker, isChange, type Traces } from "./traces.js";
import type { Watches } from "./watches.js";

const MAX_FAILURES = 10;

/** Whom a command is for. */
type Subject = ReturnType<typeof subjectOf>;

/** The event that a command is to those who look on. */
const eventOf: Partial<Record<CommandName, NodeEvent["type"]>> = {
  bindUser: "bind",
  unbindUser: "unbind",
  unbindConnection: "unbind",
  joinUserToGroups: "join",
  joinConnectionToGroup: "join",
  removeUserFromGroups: "leave",
  removeConnectionFromGroup: "leave",
  removeUserFromAllGroups: "leave",
  removeConnectionFromAllGroups: "leave",
};

/**
 * Sees what happens at the node, and passes it on: to what is remembered, to those who look on, and to those who watch a
 * connection.
 */
export class Witness {
  /** Commands that were run on the hub, reading ones too. */
  commandsTotal = 0;
  readonly #hub: Hub;
  readonly #traces: Traces;
  readonly #live: LiveEvents;
  readonly #watches: Watches;
  #asker: Asker | undefined;
  /** Those who did not take the message of the command that runs. */
  #failures: { connectionId: string; reason: string }[] | undefined;

  constructor(hub: Hub, parts: { traces: Traces; live: LiveEvents; watches: Watches }) {
    this.#hub = hub;
    this.#traces = parts.traces;
    this.#live = parts.live;
    this.#watches = parts.watches;
  }

  /** Runs commands for a center: they take effect at once, so that whatever the hub does meanwhile is for it. */
  during<T>(asker: Asker, run: () => T): T {
    this.#asker = asker;
    try {
      return run();
    } finally {
      this.#asker = undefined;
    }
  }

  /** The same commands, seen. */
  watched(commands: CommandMethods): CommandMethods {
    const names = Object.keys(commandTable) as CommandName[];
    const entries = names.map((name) => {
      // The table ties each name to its parameters, which a union of functions cannot express.
      const run = commands[name] as (params: unknown) => unknown;
      const isRead = commandTable[name].scope === "read";
      return [name, isRead ? this.#counted(run) : this.#seen(name, run)];
    });
    return Object.fromEntries(entries) as CommandMethods;
  }

  opened(connection: Connection): void {
    const { id: connectionId, remoteAddress, userId } = connection;
    this.#watches.appeared(connection);
    if (this.#traces.isOn) this.#traces.add({ at: Date.now(), what: "open", ...ids(connection) });
    if (this.#live.isWatched)
      this.#live.tell({ type: "open", connectionId, ...who(userId), detail: remoteAddress });
  }

  closed(connection: Connection, code: number): void {
    const { id: connectionId, userId } = connection;
    if (this.#traces.isOn)
      this.#traces.add({ at: Date.now(), what: "close", ...ids(connection), closeCode: code });
    if (!this.#live.isWatched) return;
    const detail = connection.closing?.reason.slice(0, 123) ?? "";
    this.#live.tell({ type: "close", connectionId, ...who(userId), value: code, detail });
  }

  refused(remoteAddress: string, cause: string): void {
    if (this.#live.isWatched) this.#live.tell({ type: "refused", detail: `${cause}: ${remoteAddress}` });
  }

  received(connection: Connection, bytes: number, opcode: number): void {
    connection.receivedMessages += 1;
    connection.onFrame?.(connection, { type: "received", bytes, opcode });
    if (!this.#live.isWatched) return;
    this.#live.tell({
      type: "message",
      connectionId: connection.id,
      ...who(connection.userId),
      value: bytes,
    });
  }

  slowConsumer(connection: Connection, bufferedBytes: number): void {
    const { id: connectionId, userId } = connection;
    if (this.#failures !== undefined && this.#failures.length < MAX_FAILURES)
      this.#failures.push({ connectionId, reason: "slow consumer" });
    if (this.#traces.isOn) this.#traces.add({ at: Date.now(), what: "slow-consumer", ...ids(connection) });
    if (this.#live.isWatched)
      this.#live.tell({ type: "slow-consumer", connectionId, ...who(userId), value: bufferedBytes });
  }

  /** What concerns no connection, or went wrong with one. `detail`: a text for people. */
  happened(type: "error" | "link" | "drain", detail: string, connection?: Connection): void {
    if (!this.#live.isWatched) return;
    const connectionId = connection === undefined ? {} : { connectionId: connection.id };
    this.#live.tell({ type, ...connectionId, detail: detail.slice(0, 300) });
  }

  #counted(run: (params: unknown) => unknown): (params: unknown) => unknown {
    return (params) => {
      this.commandsTotal += 1;
      return run(params);
    };
  }

  #seen(name: CommandName, run: (params: unknown) => unknown): (params: unknown) => unknown {
    return (params) => {
      this.commandsTotal += 1;
      if (!this.#traces.isOn && !this.#live.isWatched) return run(params);
      const subject = subjectOf({ name, params });
      const matched = this.#matched(name, subject);
      const failures: { connectionId: string; reason: string }[] = (this.#failures = []);
      try {
        const result = run(params);
        this.#ran(name, subject, {
          ...matched,
          ...resultOf(name, result),
          ...some(failures),
        });
        return result;
      } catch (error) {
        this.#ran(name, subject, { ...matched, error: codeOf(error) });
        throw error;
      } finally {
        this.#failures = undefined;
      }
    };
  }

  #ran(name: CommandName, subject: Subject, outcome: Partial<NodeTrace>): void {
    const at = Date.now();
    if (this.#traces.isOn) this.#traces.add({ at, what: name, ...this.#asker, ...subject, ...outcome });
    if (name === "bindUser" && outcome.change === "done") {
      const connection = this.#hub.connection(subject.connectionId ?? "");
      if (connection !== undefined) this.#watches.appeared(connection as Connection);
    }
    const type = eventOf[name] ?? (commandTable[name].scope === "send" ? "send" : undefined);
    if (type === undefined || !this.#live.isWatched) return;
    const value = outcome.queued === undefined ? {} : { value: outcome.queued };
    this.#live.tell({ type, ...subject, ...value, detail: outcome.error ?? outcome.change ?? name });
  }

  /** How many connections the command concerns, those that it excepts included; nothing where finding out costs more. */
  #matched(name: CommandName, { connectionId, userId, groupId }: Subject): Partial<NodeTrace> {
    const hub = this.#hub;
    if (name === "broadcast") return { matched: hub.connectionCount };
    if (name === "sendToGroupsOfUser" || name === "sendToGroupsOfConnection") return {};
    if (connectionId !== undefined) return { matched: hub.connection(connectionId) === undefined ? 0 : 1 };
    if (userId !== undefined) return { matched: hub.connectionsOf(userId).size };
    if (groupId !== undefined) return { matched: hub.membersOf(groupId).size };
    return {};
  }
}

function resultOf(name: CommandName, result: unknown): Partial<NodeTrace> {
  if (isChange(result)) return { change: result };
  if (commandTable[name].scope !== "send") return {};
  if (typeof result === "number") return { queued: result };
  return { queued: result === true ? 1 : 0 };
}

function some(failures: { connectionId: string; reason: string }[]): Partial<NodeTrace> {
  return failures.length === 0 ? {} : { failures };
}

function who(userId: string | undefined): { userId?: string } {
  return userId === undefined ? {} : { userId };
}

function ids({ id, userId }: Connection): { connectionId: string; userId?: string } {
  return { connectionId: id, ...who(userId) };
}
