import { useCallback, useEffect, useRef, useSyncExternalStore } from "react";
import type { Client } from "./client.js";
import type { Status } from "./status.js";

/** How many components hold a client that one of them connected. */
const holders = new WeakMap<object, number>();

/**
 * The client's status, and its messages to `onMessage`, whichever function that is at the time.
 *
 * A client that is idle is connected when the first component uses it, and closed when the last is gone. One that the
 * application connected itself is left alone, and so is one that was told not to come back.
 */
export function useWebSocketCenter<T>(client: Client<T>, onMessage?: (message: T) => void): Status {
  const latest = useRef(onMessage);
  useEffect(() => {
    latest.current = onMessage;
  });
  useEffect(() => client.on("message", (message) => latest.current?.(message)), [client]);
  useEffect(() => hold(client), [client]);
  const subscribe = useCallback((listener: () => void) => client.on("status", listener), [client]);
  const get = useCallback(() => client.status, [client]);
  return useSyncExternalStore(subscribe, get, get);
}

function hold<T>(client: Client<T>): (() => void) | undefined {
  const { status } = client;
  const isUnused = status.state === "idle" || (status.state === "closed" && status.reason.message === UNUSED);
  if (!isUnused && !holders.has(client)) return undefined;
  holders.set(client, (holders.get(client) ?? 0) + 1);
  if (isUnused) void client.connect();
  return () => {
    holders.set(client, (holders.get(client) ?? 1) - 1);
    // Strict mode takes effects away and brings them back in one turn: that closes nothing.
    queueMicrotask(() => {
      if (holders.get(client) !== 0) return;
      holders.delete(client);
      client.close(1000, UNUSED);
    });
  };
}

const UNUSED = "no component uses it";
