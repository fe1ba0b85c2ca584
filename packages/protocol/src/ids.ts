import { z } from "zod";

/** 32 lower-case hex characters: the form of node, center and connection ids. */
export const hexId = z.string().regex(/^[0-9a-f]{32}$/, "expected 32 lower-case hex characters");

/** How many leading characters a connection id shares with the id of its node. */
export const NODE_KEY_LENGTH = 12;

/** The part of a node's id, or of a connection's, that says which node it is. */
export function nodeKeyOf(id: string): string {
  return id.slice(0, NODE_KEY_LENGTH);
}

/**
 * Text that survives a trip as UTF-8: no lone surrogates, which would make two ids one.
 * @see https://tc39.es/ecma262/#sec-isstringwellformedunicode
 */
const wellFormedText = z.string().refine((text) => text.isWellFormed(), "has a lone surrogate");

/** A user id, group id, or a connection id as a caller gives it: any well-formed text but the empty one. */
export const anyId = wellFormedText.min(1);

/** What is sent to clients: a string leaves as a text frame, bytes as a binary one. */
export const message = z.union([
  wellFormedText,
  z.instanceof(Uint8Array as typeof Uint8Array<ArrayBufferLike>),
]);
export type Message = z.infer<typeof message>;

/** How many bytes `text` takes as UTF-8, without encoding it. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const codePoint = character.codePointAt(0) ?? 0;
    bytes += codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
  }
  return bytes;
}

export const MAX_CLOSE_REASON_BYTES = 123;

/** A WebSocket close reason: at most 123 bytes of UTF-8 (RFC 6455, 5.5). */
export const closeReason = wellFormedText.refine(
  (text) => utf8Length(text) <= MAX_CLOSE_REASON_BYTES,
  `is over ${MAX_CLOSE_REASON_BYTES} bytes`,
);
