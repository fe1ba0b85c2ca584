import { createHash } from "node:crypto";
import { CenterError } from "../../errors.js";

/** Where a page begins: behind that key at that node, or at the node's first one. */
export interface Position {
  nodeId: string;
  after: string | undefined;
}

const FORM = 1;
const MAX_CURSOR_LENGTH = 200_000;

/**
 * Text that says where the next page of a listing begins, for whoever asked for this one.
 * @param listing - what is listed, with its filters: a cursor of another listing means nothing in this one.
 */
export function encodeCursor({ nodeId, after }: Position, listing: readonly unknown[]): string {
  return Buffer.from(JSON.stringify([FORM, digestOf(listing), nodeId, after ?? null])).toString("base64url");
}

/** @throws CenterError INVALID_PARAMS for what this listing has not given. */
export function decodeCursor(cursor: string, listing: readonly unknown[]): Position {
  const parts = cursor.length <= MAX_CURSOR_LENGTH ? jsonOf(cursor) : undefined;
  if (Array.isArray(parts) && parts.length === 4 && parts[0] === FORM) {
    const [, digest, nodeId, after] = parts as unknown[];
    const isPlace = typeof nodeId === "string" && /^[0-9a-f]{32}$/.test(nodeId);
    if (isPlace && digest === digestOf(listing) && (after === null || typeof after === "string")) {
      return { nodeId, after: after ?? undefined };
    }
  }
  throw new CenterError(
    "INVALID_PARAMS",
    "cursor: expected the one of the page before, with all other parameters as they were",
  );
}

function jsonOf(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString());
  } catch {
    return undefined;
  }
}

function digestOf(listing: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(listing)).digest("base64url").slice(0, 11);
}
