import { type MemberInfo, type NodeStatus, utf8Length } from "@websocket-center/protocol";
import { publicAddressOf } from "../config/addresses.js";
import { encodeLinkFrame } from "../wire/codec.js";
import type { Channel } from "../rpc/channel.js";
import { type SteeringMember, toMemberInfo } from "../steering/member.js";

/** Changes are told together, this often at most. */
const TELL_INTERVAL_MS = 1000;
/** Time for what comes in the same moment, such as the end of many links. */
const GATHER_MS = 20;
/** Counts are told more rarely where there are many nodes: their bytes grow with the square of that number. */
const COUNTS_INTERVAL_MS_A_NODE = 5;
/** A count is told again when it has moved by more than this part of what was told. */
const COUNT_STEP = 1 / 20;
/** Keeps a frame whole: one in pieces could be overtaken by the next. */
const MAX_LIST_BYTES = 32 * 1024;

interface Entry extends SteeringMember {
  readonly channel: Channel;
  takesClients: boolean;
  connections: number;
  /** `connections` as nodes know it. */
  toldConnections: number;
}

/** The nodes as clients find them: for this center's own answers, and told to every node that wants to know. */
export class MemberList {
  readonly #entries = new Map<string, Entry>();
  /** Those that have had the whole list. */
  readonly #informed = new Set<Channel>();
  readonly #waiting = new Set<Channel>();
  /** How many of the informed want to know of counts. */
  #countReaders = 0;
  /** What has changed since it was told last. */
  readonly #changed = new Set<string>();
  readonly #counted = new Set<string>();
  #list: readonly SteeringMember[] | undefined;
  #timer: { due: number; timeout: NodeJS.Timeout } | undefined;
  #isClosed = false;
  #toldAt = -Infinity;
  #toldCountsAt = -Infinity;

  /** The same array until a member comes, goes, or begins or ceases to take clients; counts are always those of now. */
  list(): readonly SteeringMember[] {
    this.#list ??= [...this.#entries.values()];
    return this.#list;
  }

  add(channel: Channel): void {
    const { id, node } = channel.member;
    if (node?.info.members !== undefined) {
      this.#waiting.add(channel);
      this.#schedule();
    }
    const address = publicAddressOf(node?.info.publicUrl ?? "");
    if (node === undefined || address === undefined) return;
    const { connections } = node.status;
    const takesClients = isOpen(node.status);
    this.#entries.set(id, { id, address, takesClients, connections, toldConnections: connections, channel });
    this.#onChanged(id);
  }

  remove(channel: Channel): void {
    this.#waiting.delete(channel);
    if (this.#informed.delete(channel) && wantsCounts(channel)) this.#countReaders -= 1;
    const { id } = channel.member;
    if (this.#entries.get(id)?.channel !== channel) return;
    this.#entries.delete(id);
    this.#counted.delete(id);
    this.#onChanged(id);
  }

  onStatus(channel: Channel, status: NodeStatus): void {
    const entry = this.#entries.get(channel.member.id);
    if (entry?.channel !== channel) return;
    entry.connections = status.connections;
    this.#setOpen(entry, isOpen(status));
    if (Math.abs(entry.connections - entry.toldConnections) <= entry.toldConnections * COUNT_STEP) return;
    this.#counted.add(entry.id);
    if (this.#countReaders > 0) this.#schedule(this.#countsDueAt());
  }

  /** Until its next status. */
  onSuspect(channel: Channel): void {
    const entry = this.#entries.get(channel.member.id);
    if (entry?.channel === channel) this.#setOpen(entry, false);
  }

  /** Tells nothing any more: that links end now does not mean that their nodes are gone. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer?.timeout);
  }

  #setOpen(entry: Entry, takesClients: boolean): void {
    if (entry.takesClients === takesClients) return;
    entry.takesClients = takesClients;
    this.#onChanged(entry.id);
  }

  #onChanged(id: string): void {
    this.#list = undefined;
    if (this.#informed.size === 0) return;
    this.#changed.add(id);
    this.#schedule();
  }

  #countsDueAt(): number {
    const intervalMs = Math.max(TELL_INTERVAL_MS, this.#entries.size * COUNTS_INTERVAL_MS_A_NODE);
    return this.#toldCountsAt + intervalMs;
  }

  /** @param at - not before that moment. */
  #schedule(at = -Infinity): void {
    const now = performance.now();
    const due = Math.max(at, this.#toldAt + TELL_INTERVAL_MS, now + GATHER_MS);
    if (this.#isClosed || (this.#timer !== undefined && this.#timer.due <= due)) return;
    clearTimeout(this.#timer?.timeout);
    this.#timer = { due, timeout: setTimeout(() => this.#tell(), due - now) };
  }

  #tell(): void {
    this.#timer = undefined;
    this.#toldAt = performance.now();
    const isCountsTime = this.#toldAt >= this.#countsDueAt();
    const told = isCountsTime ? new Set([...this.#changed, ...this.#counted]) : this.#changed;
    const changes = this.#encodeChanges(this.#changed);
    const changesAndCounts = told.size === this.#changed.size ? changes : this.#encodeChanges(told);
    for (const channel of this.#informed) send(channel, wantsCounts(channel) ? changesAndCounts : changes);
    if (this.#waiting.size > 0) {
      const whole = encodeList(true, [...this.#entries.values()].map(toMemberInfo), []);
      for (const channel of this.#waiting) {
        send(channel, whole);
        this.#informed.add(channel);
        if (wantsCounts(channel)) this.#countReaders += 1;
      }
      this.#waiting.clear();
    }
    for (const id of told) {
      const entry = this.#entries.get(id);
      if (entry !== undefined) entry.toldConnections = entry.connections;
      this.#counted.delete(id);
    }
    this.#changed.clear();
    if (isCountsTime) this.#toldCountsAt = this.#toldAt;
    else if (this.#counted.size > 0 && this.#countReaders > 0) this.#schedule(this.#countsDueAt());
  }

  #encodeChanges(ids: ReadonlySet<string>): Uint8Array[] {
    if (ids.size === 0 || this.#informed.size === 0) return [];
    const present: MemberInfo[] = [];
    const gone: string[] = [];
    for (const id of ids) {
      const entry = this.#entries.get(id);
      if (entry === undefined) gone.push(id);
      else present.push(toMemberInfo(entry));
    }
    return encodeList(false, present, gone);
  }
}

function isOpen({ draining, full = false }: NodeStatus): boolean {
  return !draining && !full;
}

function wantsCounts({ member }: Channel): boolean {
  return member.node?.info.members === "connections";
}

function send(channel: Channel, frames: readonly Uint8Array[]): void {
  for (const frame of frames) channel.sendEncoded(frame, "");
}

/** As many frames as it takes for each to go whole. */
function encodeList(isWhole: boolean, members: readonly MemberInfo[], goneIds: string[]): Uint8Array[] {
  const frames: Uint8Array[] = [];
  let part: MemberInfo[] = [];
  let bytes = 0;
  const end = (): void => {
    frames.push(encodeLinkFrame(["members", isWhole && frames.length === 0, part, []]));
    part = [];
    bytes = 0;
  };
  for (const member of members) {
    part.push(member);
    bytes += utf8Length(member[1]) + 64;
    if (bytes > MAX_LIST_BYTES) end();
  }
  if (part.length > 0 || (isWhole && frames.length === 0)) end();
  for (let at = 0; at < goneIds.length; at += 500) {
    frames.push(encodeLinkFrame(["members", false, [], goneIds.slice(at, at + 500)]));
  }
  return frames;
}
