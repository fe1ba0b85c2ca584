import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { type LinkFrame, LINK_PROTOCOL_VERSION } from "@websocket-center/protocol";
import { z } from "zod";
import { CenterError } from "../errors.js";
import { checkLinkFrame, decodeMessagePack } from "../wire/codec.js";

/** Nothing but the handshake is accepted before it is done, and for at most this long. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;

/** The header in which a refused upgrade says why: a code of errors.ts, a space, and a sentence. */
export const REFUSAL_HEADER = "wsc-refused";

/** Of one frame of the handshake: room for the longest `publicUrl`, and the ids of some hundred centers. */
const MAX_HANDSHAKE_BYTES = 16 * 1024;

/** What stays of a hello in every version of the protocol. */
const helloOfAnyVersion = z.tuple([z.literal("hello"), z.object({ version: z.int() })], z.unknown());

/** What both ends prove to know the secret for: this very meeting of these two. */
export interface Meeting {
  nodeId: string;
  centerId: string;
  nodeNonce: string;
  centerNonce: string;
  /** The largest frame that the peer takes in, where it names one. It is no part of the proof. */
  peerMaxFrameBytes: number | undefined;
}

/** 32 random bytes, as hex. */
export function createNonce(): string {
  return randomBytes(32).toString("hex");
}

/**
 * HMAC-SHA256 (RFC 2104) over protocol version, role, both ids and both nonces, one a line.
 * @param secrets - the first one proves. None at all, as on loopback, is the empty secret.
 */
export function prove(secrets: readonly string[], role: "center" | "node", meeting: Meeting): string {
  return proofWith(secrets[0] ?? "", role, meeting);
}

/** Whether `proof` was made with one of the secrets; compared in constant time. */
export function isProven(
  secrets: readonly string[],
  role: "center" | "node",
  meeting: Meeting,
  proof: string | undefined,
): boolean {
  if (proof === undefined) return false;
  const given = Buffer.from(proof, "hex");
  let proven = false;
  for (const secret of secrets.length === 0 ? [""] : secrets) {
    const expected = Buffer.from(proofWith(secret, role, meeting), "hex");
    if (given.length === expected.length && timingSafeEqual(given, expected)) proven = true;
  }
  return proven;
}

function proofWith(secret: string, role: "center" | "node", meeting: Meeting): string {
  const lines = [
    "websocket-center link",
    String(LINK_PROTOCOL_VERSION),
    role,
    meeting.nodeId,
    meeting.centerId,
    meeting.nodeNonce,
    meeting.centerNonce,
  ];
  return createHmac("sha256", secret).update(lines.join("\n")).digest("hex");
}

/**
 * Checks the version that a hello names, whatever else it holds: another version may have another form of it.
 * @throws CenterError LINK_VERSION, with what to do about it.
 */
function checkVersion(value: unknown, peer: "center" | "node"): void {
  const { success, data } = helloOfAnyVersion.safeParse(value);
  if (!success || data[1].version === LINK_PROTOCOL_VERSION) return;
  throw new CenterError(
    "LINK_VERSION",
    `the ${peer} speaks link protocol ${data[1].version}, this side ${LINK_PROTOCOL_VERSION}; run releases with the same link protocol on both`,
  );
}

/**
 * A frame of the handshake.
 * @throws CenterError LINK_VERSION before anything else, for a peer of another version sends other frames.
 */
export function decodeHandshake(bytes: Uint8Array, peer: "center" | "node"): LinkFrame {
  if (bytes.length > MAX_HANDSHAKE_BYTES)
    throw new CenterError("LINK_PROTOCOL", "a handshake frame is too large");
  const value = decodeMessagePack(bytes);
  checkVersion(value, peer);
  return checkLinkFrame(value);
}

export function outOfTurn(): CenterError {
  return new CenterError("LINK_PROTOCOL", "a frame of the handshake came out of turn");
}
