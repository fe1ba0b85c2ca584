import type { Command } from "@websocket-center/protocol";
import { vi } from "vitest";
import type { Outcome } from "../../src/rpc/outcome.js";
import type { Frame } from "../../src/node/frame.js";
import type { Group, HubConnection } from "../../src/node/hub.js";
import { CenterEnd, NodeEnd } from "./rpc-ends.js";

/** A connection without a socket: it keeps what is sent to it. */
export class KeptConnection implements HubConnection {
  readonly id: string;
  userId: string | undefined;
  groups: Set<Group> | undefined;
  slot = -1;
  readonly data = undefined;
  readonly messages: string[] = [];
  closed: { code: number; reason: string } | undefined;

  constructor(id: string) {
    this.id = id;
  }

  enqueue(frame: Frame): boolean {
    this.messages.push(frame.payload.toString());
    return true;
  }

  close(code: number, reason: string): void {
    this.closed = { code, reason };
  }
}

/** A center and nodes with hubs over the memory backplane; fake timers are on while it lives. */
export class RouterCluster {
  readonly center: CenterEnd;
  readonly nodes: NodeEnd[] = [];
  #connections = 0;

  /** @param options.tellsInterest - without it the center asks every node. */
  constructor(nodes: number, options: { tellsInterest?: boolean } = {}) {
    vi.useFakeTimers();
    this.center = new CenterEnd();
    for (let at = 0; at < nodes; at += 1) this.nodes.push(new NodeEnd(this.center, options));
  }

  get ids(): string[] {
    return this.nodes.map(({ id }) => id);
  }

  node(at: number): NodeEnd {
    const node = this.nodes[at];
    if (node === undefined) throw new Error(`there is no node ${at}`);
    return node;
  }

  /** A connection on that node, bound and in groups. */
  connect(at: number, options: { userId?: string; groupIds?: string[] } = {}): KeptConnection {
    const { hub, id } = this.node(at);
    this.#connections += 1;
    const connection = new KeptConnection(id.slice(0, 12) + this.#connections.toString(16).padStart(20, "0"));
    hub.add(connection);
    if (options.userId !== undefined) hub.bind(options.userId, connection);
    for (const groupId of options.groupIds ?? []) hub.join(groupId, connection);
    return connection;
  }

  /** A connection id that the node could have given, and did not. */
  unknownIdAt(at: number): string {
    return this.node(at).id.slice(0, 12).padEnd(32, "f");
  }

  /** Runs the batch while `ms` pass. */
  async execute(
    batch: readonly Command[],
    { timeoutMs = 1000, ms = timeoutMs }: { timeoutMs?: number; ms?: number } = {},
  ): Promise<Outcome[][]> {
    const answer = this.center.router.execute(batch, { timeoutMs });
    await vi.advanceTimersByTimeAsync(ms);
    const { nodeIds, outcomes } = await answer;
    if (nodeIds.join() !== this.ids.join()) throw new Error("the nodes are not in their order");
    return outcomes;
  }

  /** The same for one command: its outcome at each node. */
  async run(command: Command, options?: { timeoutMs?: number; ms?: number }): Promise<Outcome[]> {
    return (await this.execute([command], options))[0] ?? [];
  }

  /** Forgets what nodes were sent. */
  clear(): void {
    for (const { calls } of this.nodes) calls.length = 0;
  }

  /** The names of the commands that each node was sent, a list for each call. */
  sent(): string[][][] {
    return this.nodes.map(({ calls }) => calls.map(([, , , , commands]) => commands.map(([name]) => name)));
  }

  async close(): Promise<void> {
    await this.center.close();
    for (const node of this.nodes) await node.close();
    await vi.advanceTimersByTimeAsync(200);
    const left = vi.getTimerCount();
    vi.useRealTimers();
    if (left > 0) throw new Error(`${left} timers are left`);
  }
}

export const values = (outcomes: readonly Outcome[]): unknown[] =>
  outcomes.map((outcome) => (outcome.ok ? outcome.value : outcome.code));
