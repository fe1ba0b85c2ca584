/** What crosses a WebSocket. */
export type Data = string | ArrayBuffer | ArrayBufferView<ArrayBuffer>;

/** One socket, as the rest of the client sees it. */
export interface Link {
  /** False from the moment at which it is known that nothing more can be sent. */
  readonly isOpen: boolean;
  /** Bytes that were handed over and not yet to the network. */
  readonly bufferedBytes: number;
  send(data: Data): void;
  /** Ends it; none of its events is told after. */
  close(code: number, reason: string): void;
}

export interface LinkEvents {
  opened(): void;
  received(data: string | ArrayBuffer): void;
  /** Told once, also where it never opened. */
  ended(code: number, reason: string): void;
}

/**
 * What happens to the page or the device:
 * `asleep` when no socket may be kept (the back/forward cache), `awake` when the page runs again.
 */
export type PageEvent = "online" | "offline" | "visible" | "hidden" | "asleep" | "awake";

/** Everything that the client takes from the outside. Parts can be replaced: for tests, or for React Native. */
export interface Environment {
  /** Milliseconds since 1970. */
  now(): number;
  /** From 0 up to 1. */
  random(): number;
  /** Runs once, after `ms` milliseconds; the function returned cancels it. */
  after(ms: number, run: () => void): () => void;
  open(url: string, protocols: string[], events: LinkEvents): Link;
  fetch(url: string, init: { signal: AbortSignal }): Promise<Response>;
  /** Tells what the page does, from now on, `hidden` and `offline` at once where it is so; returns what ends that. */
  watchPage(tell: (event: PageEvent) => void): () => void;
}

/** What is used of a WebSocket: the standard one, or that of `ws`. Their types of handlers agree on nothing. */
export interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  onopen: unknown;
  onmessage: unknown;
  onclose: unknown;
  onerror: unknown;
  send(data: Data): void;
  close(code?: number, reason?: string): void;
}

export type WebSocketConstructor = new (url: string, protocols?: string[]) => WebSocketLike;

/** The longest that timers take; they fire at once for more. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const OPEN = 1;

export function createEnvironment(WebSocket: WebSocketConstructor): Environment {
  return {
    now: () => Date.now(),
    random: () => Math.random(),
    after(ms, run) {
      const timer = setTimeout(run, Math.min(ms, MAX_TIMER_MS));
      return () => clearTimeout(timer);
    },
    open: (url, protocols, events) => openLink(new WebSocket(url, protocols), events),
    fetch: (url, init) => fetch(url, init),
    watchPage,
  };
}

function openLink(socket: WebSocketLike, events: LinkEvents): Link {
  const stopListening = (): void => {
    socket.onopen = socket.onmessage = socket.onclose = null;
  };
  socket.binaryType = "arraybuffer";
  socket.onopen = () => events.opened();
  socket.onmessage = ({ data }: { data: string | ArrayBuffer }) => events.received(data);
  socket.onclose = ({ code, reason }: { code: number; reason: string }) => {
    stopListening();
    events.ended(code, reason);
  };
  // A close event follows. It stays, since `ws` would throw what nobody hears.
  socket.onerror = () => undefined;
  return {
    get isOpen() {
      return socket.readyState === OPEN;
    },
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    send: (data) => socket.send(data),
    close(code, reason) {
      socket.close(code, reason);
      stopListening();
    },
  };
}

function watchPage(tell: (event: PageEvent) => void): () => void {
  if (typeof addEventListener === "undefined") return () => undefined;
  const ending = new AbortController();
  const { signal } = ending;
  addEventListener("online", () => tell("online"), { signal });
  addEventListener("offline", () => tell("offline"), { signal });
  if (typeof navigator !== "undefined" && "onLine" in navigator && !navigator.onLine) tell("offline");
  // Workers have a network, and no page.
  if (typeof document !== "undefined") {
    addEventListener("pagehide", () => tell("asleep"), { signal });
    addEventListener("pageshow", ({ persisted }) => persisted && tell("awake"), { signal });
    document.addEventListener("resume", () => tell("awake"), { signal });
    const tellVisibility = (): void => tell(document.hidden ? "hidden" : "visible");
    document.addEventListener("visibilitychange", tellVisibility, { signal });
    if (document.hidden) tell("hidden");
  }
  return () => ending.abort();
}
