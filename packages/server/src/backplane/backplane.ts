import type { NodeInfo, NodeStatus } from "@websocket-center/protocol";

/**
 * A living, authenticated link to the process at the other end: a node, seen from a center, or a center, seen from
 * a node. A new link of the same process is a new member, even where the id is the same.
 */
export interface Member {
  /** 32 lower-case hex characters, the same at every link while the process lives. */
  readonly id: string;
  /** Where the link comes from or goes to, for people: `127.0.0.1:8010`. */
  readonly address: string;
  /** Whom the node's certificate names, where links ask for one. */
  readonly certificate?: string | undefined;
  /** What a node said of itself when it linked; undefined for centers. */
  readonly node: { readonly info: NodeInfo; readonly status: NodeStatus } | undefined;
  /** The largest frame that it takes in, its pieces put together; Infinity where it names none. */
  readonly maxFrameBytes: number;
}

export type MemberChange =
  | { type: "joined"; member: Member }
  | { type: "left"; member: Member; reason: string };

/** How sending a frame ended: whether it may have left this process. */
export type Sent = (left: boolean) => void;

/**
 * Moves frames between centers and nodes, and knows who is there. Calls, heartbeats and versions live above it, in
 * rpc/, the same over each driver; dialling, TLS and authentication live in the driver.
 *
 * A driver MUST
 * - deliver the frames of one member in the order in which they were sent, whole, or end the member;
 * - announce a member before any of its frames, and deliver none after it left;
 * - end the old member before it announces a new one with the same id;
 * - never let two living members have the same first 12 characters of their ids;
 * - deliver nothing in the call to `send` itself.
 */
export interface Backplane {
  members(): Iterable<Member>;
  /** @returns a function that stops listening. */
  onMember(listener: (change: MemberChange) => void): () => void;
  /** There is one receiver; it is set before the driver starts. */
  onFrame(receiver: (member: Member, frame: Uint8Array) => void): void;
  /**
   * Hands over a frame. Nothing happens where the member has left: its `left` tells everybody who waits.
   * @param sent - called once: with true when the frame may have left this process, with false when it surely
   *   did not and never will.
   */
  send(member: Member, frame: Uint8Array, sent?: Sent): void;
  /** The same to every member. */
  sendAll(frame: Uint8Array): void;
  /** Bytes that were handed over for the member and have not left this process. */
  pressure(member: Member): number;
  /** Gives the member up, at once: it leaves with that reason. */
  end(member: Member, reason: string): void;
  close(): Promise<void>;
}

/** The largest frame that a driver carries; rpc/ cuts what is larger into pieces. */
export const MAX_FRAME_BYTES = 64 * 1024;
