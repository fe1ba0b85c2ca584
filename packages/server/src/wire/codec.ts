import { type LinkFrame, parseLinkFrame } from "@websocket-center/protocol";
import { CenterError, messageOf } from "../errors.js";
import { decodeMessagePack as decode, MessagePackFault } from "./decode.js";
import { encodeMessagePack } from "./encode.js";

/** @throws CenterError INVALID_PARAMS for a value that no peer could decode: of another kind than JSON, or too deep. */
export function encodeLinkFrame(frame: LinkFrame): Uint8Array {
  try {
    return encodeMessagePack(frame);
  } catch (error) {
    throw new CenterError("INVALID_PARAMS", `a ${frame[0]} frame cannot be encoded: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/**
 * Decodes what a peer sent, and trusts nothing in it: neither the bytes nor what they say.
 * @throws CenterError LINK_PROTOCOL, whose text holds none of the values.
 */
export function decodeLinkFrame(bytes: Uint8Array): LinkFrame {
  return checkLinkFrame(decodeMessagePack(bytes));
}

/** The first half of `decodeLinkFrame`: a value that is not checked against any schema yet. */
export function decodeMessagePack(bytes: Uint8Array): unknown {
  try {
    return decode(bytes);
  } catch (error) {
    if (!(error instanceof MessagePackFault)) throw error;
    throw new CenterError("LINK_PROTOCOL", `a frame ${error.message}`, { cause: error });
  }
}

/** The second half of `decodeLinkFrame`. */
export function checkLinkFrame(value: unknown): LinkFrame {
  const parsed = parseLinkFrame(value);
  if (!parsed.ok) throw new CenterError("LINK_PROTOCOL", parsed.error);
  return parsed.frame;
}
