import type { FrameEvent, NodeOperationParams, NodeOperationResult } from "@websocket-center/protocol";
import { CenterError } from "../../errors.js";
import type { Connection, FrameChange } from "../connection.js";
import { BINARY, PING, PONG, TEXT } from "../frame.js";
import { EventRing } from "./event-ring.js";

const MAX_WATCHES = 20;
/** Of one user; those that came first. */
const MAX_CONNECTIONS = 100;
const CAPACITY = 4000;
/** How long a watch goes on after somebody asked last. */
const LEASE_MS = 10_000;

const opcodes: Readonly<Record<number, FrameEvent["opcode"]>> = {
  [TEXT]: "text",
  [BINARY]: "binary",
  [PING]: "ping",
  [PONG]: "pong",
};

/** One watch: of a connection, or of a user with all that it has and gets. */
class Watch {
  readonly ring = new EventRing<Omit<FrameEvent, "number">>({ capacity: CAPACITY });
  readonly connections = new Set<Connection>();
  readonly connectionId: string | undefined;
  readonly userId: string | undefined;
  lease: NodeJS.Timeout | undefined;

  constructor({ connectionId, userId }: { connectionId?: string | undefined; userId?: string | undefined }) {
    this.connectionId = connectionId;
    this.userId = userId;
  }

  concerns({ id, userId }: Connection): boolean {
    return this.connectionId === undefined
      ? userId !== undefined && userId === this.userId
      : id === this.connectionId;
  }
}

/** Tells of every frame of connections, for as long as somebody asks. Who is not watched pays for a look at one field. */
export class Watches {
  readonly #watches = new Map<string, Watch>();
  readonly #find: (watch: {
    connectionId?: string | undefined;
    userId?: string | undefined;
  }) => Iterable<Connection>;

  /** @param find - the connections that are here now. */
  constructor(
    find: (watch: { connectionId?: string | undefined; userId?: string | undefined }) => Iterable<Connection>,
  ) {
    this.#find = find;
  }

  /**
   * What happened since; the first time, what there is to watch: each connection as `open`.
   * @throws CenterError INVALID_PARAMS
   */
  since({
    watchId,
    after = 0,
    limit,
    ...target
  }: NodeOperationParams<"watch">): NodeOperationResult<"watch"> {
    const watch = this.#watches.get(watchId) ?? this.#begin(watchId, target);
    clearTimeout(watch.lease);
    watch.lease = setTimeout(() => this.#end(watchId, watch), LEASE_MS);
    // Those that were bound to the user meanwhile.
    for (const connection of this.#find(watch)) this.#attach(watch, connection);
    return watch.ring.since(after, limit);
  }

  /** A connection is open, or has got a user. */
  appeared(connection: Connection): void {
    for (const watch of this.#watches.values())
      if (watch.concerns(connection)) this.#attach(watch, connection);
  }

  close(): void {
    for (const [id, watch] of this.#watches) this.#end(id, watch);
  }

  #begin(
    watchId: string,
    { connectionId, userId }: { connectionId?: string | undefined; userId?: string | undefined },
  ): Watch {
    if ((connectionId === undefined) === (userId === undefined))
      throw new CenterError("INVALID_PARAMS", "expected either connectionId or userId");
    if (this.#watches.size >= MAX_WATCHES)
      throw new CenterError("INVALID_PARAMS", `${MAX_WATCHES} watches run at this node already`);
    const watch = new Watch({ connectionId, userId });
    this.#watches.set(watchId, watch);
    return watch;
  }

  #attach(watch: Watch, connection: Connection): void {
    if (watch.connections.has(connection) || watch.connections.size >= MAX_CONNECTIONS) return;
    watch.connections.add(connection);
    connection.onFrame ??= this.#onFrame;
    tell(watch, connection, { type: "open" });
  }

  #end(watchId: string, watch: Watch): void {
    clearTimeout(watch.lease);
    this.#watches.delete(watchId);
    for (const connection of watch.connections)
      if (!this.#isWatched(connection)) connection.onFrame = undefined;
  }

  #isWatched(connection: Connection): boolean {
    return [...this.#watches.values()].some(({ connections }) => connections.has(connection));
  }

  readonly #onFrame = (connection: Connection, change: FrameChange): void => {
    for (const watch of this.#watches.values()) {
      if (!watch.connections.has(connection)) continue;
      tell(watch, connection, change);
      if (change.type === "close") watch.connections.delete(connection);
    }
  };
}

function tell(watch: Watch, { id, bufferedBytes }: Connection, { opcode, ...change }: FrameChange): void {
  const name = opcode === undefined ? undefined : opcodes[opcode];
  watch.ring.push({
    at: Date.now(),
    connectionId: id,
    bufferedBytes,
    ...change,
    ...(name === undefined ? {} : { opcode: name }),
  });
}
