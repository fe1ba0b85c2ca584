import type { Client } from "./client.js";
import type { Status } from "./status.js";

/**
 * The store that Svelte, Vue, Solid and nanostores understand: `subscribe` tells the present value at once and then
 * each new one, `listen` new ones only. Listening costs one handler of the client while there is a listener.
 */
export interface Store<V> {
  get(): V;
  listen(listener: (value: V) => void): () => void;
  subscribe(listener: (value: V) => void): () => void;
}

/** The client's status. */
export function statusStore<T>(client: Client<T>): Store<Status> {
  return createStore(
    () => client.status,
    (listener) => client.on("status", listener),
  );
}

/** What the messages since now make of `initial`, one after the other; `close` stops it. */
export function messageStore<T, V>(
  client: Client<T>,
  initial: V,
  reduce: (value: V, message: T) => V,
): Store<V> & { close(): void } {
  let value = initial;
  const listeners = new Set<(value: V) => void>();
  const close = client.on("message", (message) => {
    value = reduce(value, message);
    for (const listener of [...listeners]) listener(value);
  });
  const store = createStore(
    () => value,
    (listener) => {
      const own = (next: V): void => listener(next);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
  );
  return { ...store, close };
}

function createStore<V>(get: () => V, listen: (listener: (value: V) => void) => () => void): Store<V> {
  return {
    get,
    listen,
    subscribe(listener) {
      const stop = listen(listener);
      listener(get());
      return stop;
    },
  };
}
