import type { FrameOf, LinkFrame, LinkFrameType } from "@websocket-center/protocol";
import { type Backplane, MAX_FRAME_BYTES, type Member, type Sent } from "../backplane/backplane.js";
import { CenterError, messageOf } from "../errors.js";
import { decodeLinkFrame, encodeLinkFrame } from "../wire/codec.js";
import { IncomingTransfers, maxOpenBytes, OutgoingTransfers } from "./transfers.js";

/** Frames that go as they are; larger ones go in pieces. Leaves room for the piece's own head. */
const WHOLE_MAX_BYTES = MAX_FRAME_BYTES - 1024;

/** Members send heartbeats at least twice as often: after a silence this long, this process was stopped, or the link. */
const STALL_MS = 1000;
/** After such a silence, what had piled up has been read where so many looks, each in a turn of its own, find little, */
const QUIET_LOOKS = 3;
/** less than a full read of the socket: what comes just now would hold up everything for as long as there is load; */
const QUIET_BYTES = 64 * 1024;
/** and at the latest after this. */
const MAX_CATCH_UP_MS = 2000;

/** What a channel hands on: every frame but those that it deals with itself. */
export type ChannelFrame = Exclude<LinkFrame, FrameOf<"piece"> | FrameOf<"abandon">>;
export type ChannelFrameType = Exclude<LinkFrameType, "piece" | "abandon">;

/** The link to one member, speaking frames instead of bytes; the largest ones cut into pieces. */
export class Channel {
  readonly member: Member;
  /** Why the member left; undefined while it is linked. */
  leftReason: string | undefined;
  readonly #backplane: Backplane;
  readonly #outgoing: OutgoingTransfers;
  readonly #incoming: IncomingTransfers;
  #heardAt = performance.now();
  /** Set while what came during a silence is still being read. Looks are counted, for time may pass without any input. */
  #catchUp: { endsAt: number; heardBytes: number; quietLooks: number } | undefined;

  constructor(backplane: Backplane, member: Member, options: { maxFrameBytes: number }) {
    this.member = member;
    this.#backplane = backplane;
    this.#incoming = new IncomingTransfers(options.maxFrameBytes);
    this.#outgoing = new OutgoingTransfers({
      sendPiece: (id, totalBytes, piece, sent) =>
        backplane.send(member, encodeLinkFrame(["piece", id, totalBytes, piece]), sent),
      sendAbandon: (id) => backplane.send(member, encodeLinkFrame(["abandon", id])),
      pressure: () => backplane.pressure(member),
      maxOpenBytes: maxOpenBytes(member.maxFrameBytes),
    });
  }

  /** Whether the member takes in a frame of that size; a larger one would end the link. */
  takes(frameBytes: number): boolean {
    return frameBytes <= this.member.maxFrameBytes;
  }

  /** Bytes that wait for the member in this process. */
  get queuedBytes(): number {
    return this.#outgoing.queuedBytes + this.#backplane.pressure(this.member);
  }

  /** Looks whether what came during a silence has been read: to be asked once in a turn of the event loop. */
  lookWhetherCaughtUp(): boolean {
    const catchUp = this.#catchUp;
    if (catchUp === undefined) return true;
    catchUp.quietLooks = catchUp.heardBytes < QUIET_BYTES ? catchUp.quietLooks + 1 : 0;
    catchUp.heardBytes = 0;
    if (catchUp.quietLooks < QUIET_LOOKS && performance.now() < catchUp.endsAt) return false;
    this.#catchUp = undefined;
    return true;
  }

  send(frame: ChannelFrame, key = "", sent?: Sent): void {
    this.sendEncoded(encodeLinkFrame(frame), key, sent);
  }

  /**
   * @param key - by which `abandon` finds it, if it goes in pieces.
   * @param sent - as in `Backplane.send`, of the whole frame: a peer that misses its last piece has nothing.
   */
  sendEncoded(bytes: Uint8Array, key: string, sent?: Sent): void {
    if (bytes.length <= WHOLE_MAX_BYTES) this.#backplane.send(this.member, bytes, sent);
    else this.#outgoing.add(key, bytes, sent);
  }

  /** The member has left: nothing goes out any more. */
  leave(reason: string): void {
    this.leftReason = reason;
    this.#outgoing.clear();
  }

  /** Does not send what is left of a large frame. */
  abandon(key: string): void {
    this.#outgoing.abandon(key);
  }

  /** Ends the link, for something that the peer did or failed to do. */
  end(reason: string): void {
    this.#backplane.end(this.member, reason);
  }

  /**
   * Takes in what the backplane received.
   * @returns the frame that is complete with it, if any.
   * @throws CenterError LINK_PROTOCOL
   */
  receive(bytes: Uint8Array): ChannelFrame | undefined {
    const now = performance.now();
    if (now > this.#heardAt + STALL_MS) {
      this.#catchUp = { endsAt: now + MAX_CATCH_UP_MS, heardBytes: 0, quietLooks: 0 };
    }
    if (this.#catchUp !== undefined) this.#catchUp.heardBytes += bytes.length;
    this.#heardAt = now;
    const frame = decodeLinkFrame(bytes);
    if (frame[0] === "abandon") {
      this.#incoming.abandon(frame[1]);
      return undefined;
    }
    if (frame[0] !== "piece") return frame;
    const whole = this.#incoming.add(frame[1], frame[2], frame[3]);
    if (whole === undefined) return undefined;
    const inner = decodeLinkFrame(whole);
    if (inner[0] === "piece" || inner[0] === "abandon") {
      throw new CenterError("LINK_PROTOCOL", "a frame in pieces holds a piece");
    }
    return inner;
  }
}

/** What both ends of all links have: a channel for each member, and one place where their frames arrive. */
export class Channels {
  readonly #byMember = new Map<Member, Channel>();

  /** A frame that is not of the protocol ends its member, and is reported. */
  constructor(
    backplane: Backplane,
    options: {
      maxFrameBytes: number;
      onJoined: (channel: Channel) => void;
      onLeft: (channel: Channel, reason: string) => void;
      onFrame: (channel: Channel, frame: ChannelFrame) => void;
      onFault: (channel: Channel, error: unknown) => void;
    },
  ) {
    backplane.onMember((change) => {
      if (change.type === "joined") {
        const channel = new Channel(backplane, change.member, options);
        this.#byMember.set(change.member, channel);
        options.onJoined(channel);
        return;
      }
      const channel = this.#byMember.get(change.member);
      this.#byMember.delete(change.member);
      if (channel === undefined) return;
      channel.leave(change.reason);
      options.onLeft(channel, change.reason);
    });
    backplane.onFrame((member, bytes) => {
      const channel = this.#byMember.get(member);
      if (channel === undefined) return;
      try {
        const frame = channel.receive(bytes);
        if (frame !== undefined) options.onFrame(channel, frame);
      } catch (error) {
        options.onFault(channel, error);
        channel.end(messageOf(error));
      }
    });
  }

  all(): Iterable<Channel> {
    return this.#byMember.values();
  }

  get size(): number {
    return this.#byMember.size;
  }
}

/**
 * The largest frame that a process takes in: any reply, or any call that carries a whole HTTP body, of a peer that is
 * configured like itself.
 */
export function maxFrameBytes({
  maxReplyBytes,
  maxBodyBytes,
}: {
  maxReplyBytes: number;
  maxBodyBytes: number;
}): number {
  return Math.max(maxReplyBytes, maxBodyBytes) + FRAME_HEAD_BYTES;
}

/** What a frame has around its reply or call. */
const FRAME_HEAD_BYTES = 64 * 1024;
