import type { Message } from "@websocket-center/protocol";

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
  const headerLength = length < 126 ? 2 : length < 0x10000 ? 4 : 10;
  const bytes = Buffer.allocUnsafe(headerLength + length);
  bytes[0] = 0x80 | opcode;
  if (headerLength === 2) {
    bytes[1] = length;
  } else if (headerLength === 4) {
    bytes[1] = 126;
    bytes.writeUInt16BE(length, 2);
  } else {
    bytes[1] = 127;
    bytes.writeUInt32BE(0, 2);
    bytes.writeUInt32BE(length, 6);
  }
  if (typeof payload === "string") bytes.write(payload, headerLength, "utf8");
  else bytes.set(payload, headerLength);
  return { opcode, payload: bytes.subarray(headerLength), bytes };
}
