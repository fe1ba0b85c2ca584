import type { Message } from "@websocket-center/protocol";
import { headLength, putHead } from "../wire/websocket-head.js";

export const TEXT = 0x1;
export const BINARY = 0x2;
export const PING = 0x9;
export const PONG = 0xa;

/**
 * A WebSocket frame from server to client, ready to be written: final, unmasked, not compressed (RFC 6455, 5.2).
 * It is encoded once and shared by all connections that get it, so nobody may change its bytes.
 */
export interface Frame {
  readonly opcode: number;
  /** What the frame carries. */
  readonly payload: Buffer;
  /** Header and payload. */
  readonly bytes: Buffer;
}

/** Encodes a string as a text frame, bytes as a binary one. */
export function encodeMessage(message: Message): Frame {
  if (typeof message === "string") return encodeFrame(TEXT, Buffer.byteLength(message), message);
  return encodeFrame(BINARY, message.length, message);
}

export const pingFrame: Frame = encodeFrame(PING, 0, "");

/** The answer to a ping: it carries what the ping carried (RFC 6455, 5.5.3). */
export function encodePong(payload: Uint8Array): Frame {
  return encodeFrame(PONG, payload.length, payload);
}

function encodeFrame(opcode: number, length: number, payload: string | Uint8Array): Frame {
  const headBytes = headLength(length);
  const bytes = Buffer.allocUnsafe(headBytes + length);
  putHead(bytes, opcode, length);
  if (typeof payload === "string") bytes.write(payload, headBytes, "utf8");
  else bytes.set(payload, headBytes);
  return { opcode, payload: bytes.subarray(headBytes), bytes };
}
