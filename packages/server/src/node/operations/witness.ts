import {
  type CommandMethods,
  type CommandName,
  commands as commandTable,
  type NodeEvent,
} from "@websocket-center/protocol";
import { codeOf } from "../../errors.js";
import type { Connection } from "../connection.js";
import type { Hub } from "../hub.js";
import type { LiveEvents } from "./live-events.js";
import { type Asker, isChange, type Noted, type Traces } from "./traces.js";
import type { Watches } from "./watches.js";

const MAX_FAILURES = 10;

/** Whom a command is for, as the parameters of all commands call it. */
interface Subject {
  readonly connectionId?: string;
  readonly userId?: string;
  readonly groupId?: string;
}

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
  /** What is known of the command that runs, or ran last: always the same object, of which traces keep the values. */
  readonly #noted: Noted = { at: 0, what: "" };
  #isRunning = false;

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
    if (this.#isRunning) this.#failed({ connectionId, reason: "slow consumer" });
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
    const isSend = commandTable[name].scope === "send";
    return (params) => {
      this.commandsTotal += 1;
      if (!this.#traces.isOn && !this.#live.isWatched) return run(params);
      const noted = this.#begin(name, params as Subject);
      try {
        const result = run(params);
        if (isChange(result)) noted.change = result;
        else if (isSend) noted.queued = Number(result);
        return result;
      } catch (error) {
        noted.error = codeOf(error);
        throw error;
      } finally {
        this.#ran(name, noted);
      }
    };
  }

  #begin(name: CommandName, subject: Subject): Noted {
    const noted = this.#noted;
    noted.what = name;
    noted.centerId = this.#asker?.centerId;
    noted.call = this.#asker?.call;
    noted.connectionId = subject.connectionId;
    noted.userId = subject.userId;
    noted.groupId = subject.groupId;
    noted.matched = this.#matched(name, subject);
    noted.queued = undefined;
    noted.change = undefined;
    noted.failures = undefined;
    noted.error = undefined;
    this.#isRunning = true;
    return noted;
  }

  /** Somebody did not take the message of the command that runs. */
  #failed(failure: { connectionId: string; reason: string }): void {
    const failures = (this.#noted.failures ??= []);
    if (failures.length < MAX_FAILURES) failures.push(failure);
  }

  #ran(name: CommandName, noted: Noted): void {
    this.#isRunning = false;
    noted.at = Date.now();
    this.#traces.add(noted);
    const { connectionId, userId, groupId, queued, change, error } = noted;
    if (name === "bindUser" && change === "done") {
      const connection = this.#hub.connection(connectionId ?? "");
      if (connection !== undefined) this.#watches.appeared(connection as Connection);
    }
    if (!this.#live.isWatched) return;
    const type = eventOf[name] ?? (commandTable[name].scope === "send" ? "send" : undefined);
    if (type === undefined) return;
    this.#live.tell({
      type,
      ...(connectionId === undefined ? {} : { connectionId }),
      ...who(userId),
      ...(groupId === undefined ? {} : { groupId }),
      ...(queued === undefined ? {} : { value: queued }),
      detail: error ?? change ?? name,
    });
  }

  /** How many connections the command concerns, those that it excepts included; nothing where finding out costs more. */
  #matched(name: CommandName, { connectionId, userId, groupId }: Subject): number | undefined {
    const hub = this.#hub;
    if (name === "broadcast") return hub.connectionCount;
    if (name === "sendToGroupsOfUser" || name === "sendToGroupsOfConnection") return undefined;
    if (connectionId !== undefined) return hub.connection(connectionId) === undefined ? 0 : 1;
    if (userId !== undefined) return hub.connectionsOf(userId).size;
    if (groupId !== undefined) return hub.membersOf(groupId).size;
    return undefined;
  }
}

function who(userId: string | undefined): { userId?: string } {
  return userId === undefined ? {} : { userId };
}

function ids({ id, userId }: Connection): Pick<Noted, "connectionId" | "userId"> {
  return { connectionId: id, userId };
}
