/**
 * The version of the link protocol. Both ends of a link must have the same.
 *
 * A test holds a hash of the link's schemas and of the command table: whoever changes them changes this too,
 * or shows that old and new still understand each other.
 */
export const LINK_PROTOCOL_VERSION = 2;

/** The service that every node has: the hub that the classic API speaks to. Its methods are the command table. */
export const HUB_SERVICE = "websocket";
