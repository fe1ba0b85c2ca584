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
export class Frame {
  readonly opcode: number;
  /** Header and payload. */
  readonly bytes: Buffer;
  readonly #headBytes: number;

  constructor(opcode: number, bytes: Buffer, headBytes: number) {
    this.opcode = opcode;
    this.bytes = bytes;
    this.#headBytes = headBytes;
  }

  /** What the frame carries. A view of its own each time, since hardly anybody asks. */
  get payload(): Buffer {
    return this.bytes.subarray(this.#headBytes);
  }
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
  return new Frame(opcode, bytes, headBytes);
}
