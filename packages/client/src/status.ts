/** Why there is no connection. */
export interface Reason {
  readonly kind: /** `close()`, or the `signal`. */
    | "application"
    /** The node closed it; `code` says how. */
    | "closed"
    /** The connection was lost, or never came about. */
    | "lost"
    /** The node answered no ping. */
    | "silent"
    /** No address, or no token, was to be had; an `error` event tells more. */
    | "not-ready"
    /** The page went into the back/forward cache. */
    | "page-hidden"
    /** `reconnect()`. */
    | "renewed";
  /** The WebSocket close code, where there was one. */
  readonly code?: number;
  /** For a person; of a close frame, its reason. */
  readonly message: string;
}

/** All times are milliseconds since 1970, by this device's clock. */
export type Status =
  /** `connect` was not called yet. */
  | { readonly state: "idle" }
  | { readonly state: "connecting"; readonly attempt: number }
  | {
      readonly state: "open";
      readonly url: string;
      /** From the node's `open` frame; undefined where the node sends none. */
      readonly connectionId: string | undefined;
      readonly since: number;
    }
  | {
      readonly state: "waiting";
      readonly reason: Reason;
      /** Undefined where it waits for the page to come back. */
      readonly nextTryAt: number | undefined;
    }
  | { readonly state: "closed"; readonly reason: Reason };

/** The time in which messages may have been missed. */
export interface Gap {
  /** The last moment up to which everything is known to have arrived. */
  readonly from: number;
  /** When the new connection was open. */
  readonly to: number;
}
