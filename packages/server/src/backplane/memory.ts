import { type NodeInfo, nodeKeyOf, type NodeStatus } from "@websocket-center/protocol";
import { CenterError } from "../errors.js";
import type { Backplane, Member, Sent } from "./backplane.js";
import { Members } from "./members.js";

interface Line {
  readonly near: MemoryBackplane;
  readonly far: MemoryBackplane;
  /** The far end, as the near end knows it. */
  readonly member: Member;
  queuedBytes: number;
  /** What is queued is about to be delivered, together, and nothing that comes meanwhile. */
  isDelivering: boolean;
  queue: { frame: Uint8Array; sent: Sent | undefined }[];
}

/**
 * A backplane within one process, for tests: it keeps the promises of `Backplane` and can be made to misbehave as
 * networks do. Frames arrive in a later turn of the event loop.
 */
export class MemoryBackplane implements Backplane {
  readonly id: string;
  readonly #members = new Members();
  readonly #lines = new Map<Member, Line>();
  readonly #node: { info: NodeInfo; status: () => NodeStatus } | undefined;
  /** While true, what others sent to this end waits, as for a stopped process. */
  #frozen = false;

  /** @param node - what a node says of itself; undefined makes this the end of a center. */
  constructor(id: string, node?: { info: NodeInfo; status: () => NodeStatus }) {
    this.id = id;
    this.#node = node;
  }

  /**
   * Links a node's end to a center's. A living link of the same node is replaced.
   * @throws CenterError NODE_KEY_TAKEN where another node with the same key is linked.
   */
  static link(node: MemoryBackplane, center: MemoryBackplane): void {
    for (const member of center.members()) {
      if (nodeKeyOf(member.id) === nodeKeyOf(node.id) && member.id !== node.id) {
        throw new CenterError("NODE_KEY_TAKEN", `another node has the key ${nodeKeyOf(node.id)}`);
      }
    }
    center.#replace(node.id);
    node.#replace(center.id);
    center.#join(node);
    node.#join(center);
  }

  freeze(): void {
    this.#frozen = true;
  }

  thaw(): void {
    this.#frozen = false;
    for (const line of this.#lines.values()) line.far.#deliverLater(this);
  }

  members(): Iterable<Member> {
    return this.#members.all();
  }
  onMember(...args: Parameters<Backplane["onMember"]>): () => void {
    return this.#members.onMember(...args);
  }
  onFrame(...args: Parameters<Backplane["onFrame"]>): void {
    this.#members.onFrame(...args);
  }

  send(member: Member, frame: Uint8Array, sent?: Sent): void {
    const line = this.#lines.get(member);
    if (line === undefined) {
      sent?.(false);
      return;
    }
    line.queue.push({ frame, sent });
    line.queuedBytes += frame.length;
    this.#deliverLater(line.far);
  }

  sendAll(frame: Uint8Array): void {
    for (const member of this.members()) this.send(member, frame);
  }

  pressure(member: Member): number {
    return this.#lines.get(member)?.queuedBytes ?? 0;
  }

  end(member: Member, reason: string): void {
    const line = this.#lines.get(member);
    if (line === undefined) return;
    const back = line.far.#lineTo(this);
    this.#drop(line, reason);
    if (back !== undefined) line.far.#drop(back, "the other end closed the link");
  }

  async close(): Promise<void> {
    for (const member of this.#lines.keys()) this.end(member, "closed");
  }

  #replace(id: string): void {
    const old = this.#members.get(id);
    if (old !== undefined) this.end(old, "replaced by a new link");
  }

  #join(far: MemoryBackplane): void {
    const node = far.#node && { info: far.#node.info, status: far.#node.status() };
    const member: Member = { id: far.id, address: "memory", node, maxFrameBytes: Infinity };
    this.#lines.set(member, { near: this, far, member, queuedBytes: 0, isDelivering: false, queue: [] });
    this.#members.join(member);
  }

  #drop(line: Line, reason: string): void {
    this.#lines.delete(line.member);
    for (const { sent } of line.queue) sent?.(false);
    line.queue = [];
    this.#members.leave(line.member, reason);
  }

  #lineTo(far: MemoryBackplane): Line | undefined {
    for (const line of this.#lines.values()) {
      if (line.far === far) return line;
    }
    return undefined;
  }

  #deliverLater(far: MemoryBackplane): void {
    const line = this.#lineTo(far);
    if (line === undefined || line.isDelivering || far.#frozen) return;
    line.isDelivering = true;
    setImmediate(() => {
      line.isDelivering = false;
      if (far.#frozen || this.#lines.get(line.member) !== line) return;
      const back = far.#lineTo(this);
      for (const { frame, sent } of line.queue.splice(0)) {
        line.queuedBytes -= frame.length;
        sent?.(true);
        if (back !== undefined) far.#members.receive(back.member, frame);
      }
    });
  }
}
