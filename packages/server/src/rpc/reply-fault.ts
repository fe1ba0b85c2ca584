import { CenterError } from "../errors.js";
import type { Channel } from "./channel.js";

/**
 * Why a reply of that size cannot go to the peer; undefined where it can.
 *
 * @param limits.maxReplyBytes - besides what the peer itself takes in.
 * @param limits.maxQueuedBytes - that may wait for the peer; an empty queue takes any reply.
 */
export function replyFault(
  channel: Channel,
  replyBytes: number,
  limits: { maxReplyBytes: number; maxQueuedBytes: number },
): CenterError | undefined {
  const maxBytes = Math.min(limits.maxReplyBytes, channel.member.maxFrameBytes);
  if (replyBytes > maxBytes) {
    const text = `the result has ${replyBytes} bytes, over the limit of ${maxBytes}; the commands were run`;
    return new CenterError("REPLY_TOO_LARGE", text);
  }
  const queued = channel.queuedBytes;
  if (queued > 0 && queued + replyBytes > limits.maxQueuedBytes) {
    return new CenterError("REPLY_DROPPED", `${queued} bytes wait for the caller; the commands were run`);
  }
  return undefined;
}
