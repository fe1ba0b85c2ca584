import { createFindAddress, type FindAddress } from "./address.js";
import { backoffMs } from "./backoff.js";
import { comesBack } from "./close-codes.js";
import { Connection } from "./connection.js";
import type { Data, PageEvent } from "./environment.js";
import { ClientError } from "./errors.js";
import type { ResolvedOptions } from "./options.js";
import type { SendQueue } from "./queue.js";
import type { Gap, Reason, Status } from "./status.js";

/** What did not, or may not have, reached the node. Nothing of it is sent again by itself. */
export interface Undelivered {
  /** They never left: the client closed before it could send them. */
  readonly unsent: readonly Data[];
  /** They were handed to the network, and no answer from the node says that they arrived. */
  readonly uncertain: readonly Data[];
  /** How many more are uncertain; they were too many to be kept. */
  readonly forgotten: number;
  readonly reason: Reason;
}

export interface SessionEvents {
  status(status: Status): void;
  received(data: string | ArrayBuffer): void;
  gap(gap: Gap): void;
  undelivered(undelivered: Undelivered): void;
  error(error: ClientError): void;
}

/** A connection that lived this long makes up for the failures before it. */
const STABLE_MS = 5000;

/** From `connect` to `closed`: one connection after the other, never two at once. */
export class Session {
  readonly #options: ResolvedOptions;
  readonly #queue: SendQueue;
  readonly #events: SessionEvents;
  readonly #findAddress: FindAddress;
  #status: Status = { state: "idle" };
  #stopWatching: () => void = () => undefined;
  /** Of the try or the wait that is under way. */
  #cancelTimer: () => void = () => undefined;
  #trying: AbortController | undefined;
  #connection: Connection | undefined;
  /** How many tries there were since the last connection, and how many failures the next wait shall make up for. */
  #attempt = 0;
  #failures = 0;
  #triedAt = 0;
  /** How long after the last try the other side asked to be left alone. */
  #retryAfterMs = 0;
  #avoid: string | undefined;
  /** Where a gap began that was not told yet. */
  #gapFrom: number | undefined;
  #isHidden = false;
  #isOffline = false;
  #isAsleep = false;

  constructor(options: ResolvedOptions, queue: SendQueue, events: SessionEvents) {
    this.#options = options;
    this.#queue = queue;
    this.#events = events;
    this.#findAddress = createFindAddress(options, options.environment);
  }

  get canSend(): boolean {
    return this.#connection?.canSend ?? false;
  }

  get bufferedBytes(): number {
    return this.#connection?.bufferedBytes ?? 0;
  }

  start(): void {
    this.#stopWatching = this.#options.environment.watchPage((event) => this.#onPage(event));
    this.#try();
  }

  /** Gives up the connection, or the wait, and tries anew at once. */
  renew(): void {
    this.#failures = 0;
    this.#lose({ kind: "renewed", message: "reconnect() was called" }, 0);
  }

  /** Ends everything. */
  end(reason: Reason, code: number): void {
    this.#finish(reason, this.#release(code, reason.message));
  }

  send(data: Data): void {
    this.#connection?.send(data);
  }

  /** Sends what waits, in order. */
  flush(): void {
    while (this.canSend) {
      const data = this.#queue.shift();
      if (data === undefined) return;
      this.send(data);
    }
  }

  #try(): void {
    this.#cancelTimer();
    const { environment, connectTimeoutMs } = this.#options;
    const trying = new AbortController();
    this.#trying = trying;
    this.#triedAt = environment.now();
    this.#retryAfterMs = 0;
    this.#attempt += 1;
    this.#cancelTimer = environment.after(connectTimeoutMs, () => {
      const what = this.#connection?.isLinked === true ? "open frame (see `openFrame`)" : "connection";
      this.#avoid = this.#connection?.url ?? this.#avoid;
      this.#lose({ kind: "lost", message: `no ${what} within ${connectTimeoutMs} ms` });
    });
    this.#setStatus({ state: "connecting", attempt: this.#attempt });
    if (trying.signal.aborted) return;
    this.#connect(trying.signal).catch((error: unknown) => {
      if (!trying.signal.aborted) this.#failToTry(error);
    });
  }

  async #connect(signal: AbortSignal): Promise<void> {
    const url = await this.#findAddress({ avoid: this.#avoid, signal });
    if (signal.aborted) return;
    const token = await this.#getToken(signal);
    if (signal.aborted) return;
    try {
      this.#connection = new Connection(
        this.#options,
        { url, token },
        {
          opened: (connectionId) => this.#onOpen(url, connectionId),
          received: (data) => this.#events.received(data),
          lost: (reason) => {
            this.#avoid = url;
            this.#lose(reason);
          },
          failed: (error) => this.#events.error(error),
        },
      );
    } catch (cause) {
      throw new ClientError("CONNECT_FAILED", `no WebSocket to ${url} can be made`, { cause });
    }
  }

  async #getToken(signal: AbortSignal): Promise<string | undefined> {
    try {
      return await this.#options.token?.({ signal });
    } catch (cause) {
      throw new ClientError("TOKEN_FAILED", "the `token` function failed", { cause });
    }
  }

  #failToTry(error: unknown): void {
    const failure =
      error instanceof ClientError
        ? error
        : new ClientError("CONNECT_FAILED", String(error), { cause: error });
    this.#retryAfterMs = failure.retryAfterMs;
    this.#lose({ kind: "not-ready", message: failure.message });
    this.#events.error(failure);
  }

  #onOpen(url: string, connectionId: string | undefined): void {
    const connection = this.#connection;
    const to = this.#options.environment.now();
    this.#cancelTimer();
    this.#attempt = 0;
    this.#avoid = undefined;
    this.#setStatus({ state: "open", url, connectionId, since: to });
    // A handler may have ended it; then the gap is not over.
    if (this.#connection !== connection) return;
    const from = this.#gapFrom;
    this.#gapFrom = undefined;
    if (from !== undefined) this.#events.gap({ from: Math.min(from, to), to });
    this.flush();
  }

  /** Whatever there was is over; what comes next depends on why. */
  #lose(reason: Reason, delayMs?: number): void {
    const lost = this.#release();
    if (reason.code !== undefined && !comesBack(reason.code)) {
      this.#finish(reason, lost);
      return;
    }
    const report = lost?.report();
    this.#wait(reason, delayMs ?? this.#backoffMs());
    if (report !== undefined) this.#report({ ...report, unsent: [], reason });
  }

  /** Ends the try or the connection that is under way. */
  #release(code = 1000, reason = ""): Connection | undefined {
    const connection = this.#connection;
    connection?.end(code, reason);
    this.#cancelTimer();
    this.#trying?.abort();
    this.#connection = undefined;
    if (connection?.openedAt === undefined) return undefined;
    this.#gapFrom ??= connection.knownGoodAt;
    if (this.#options.environment.now() - connection.openedAt >= STABLE_MS) this.#failures = 0;
    return connection;
  }

  #finish(reason: Reason, lost: Connection | undefined): void {
    this.#stopWatching();
    const unsent = this.#queue.takeAll();
    this.#setStatus({ state: "closed", reason });
    this.#report({ uncertain: [], forgotten: 0, ...lost?.report(), unsent, reason });
  }

  #report(undelivered: Undelivered): void {
    const { unsent, uncertain, forgotten } = undelivered;
    if (unsent.length + uncertain.length + forgotten > 0) this.#events.undelivered(undelivered);
  }

  #backoffMs(): number {
    const { backoff, environment } = this.#options;
    const isHidden = this.#isHidden || this.#isOffline;
    const ms = backoffMs(backoff, { failures: this.#failures, isHidden, random: environment.random() });
    this.#failures += 1;
    return ms;
  }

  #wait(reason: Reason, delayMs: number): void {
    this.#cancelTimer();
    if (this.#isAsleep) {
      this.#setStatus({ state: "waiting", reason, nextTryAt: undefined });
      return;
    }
    const { environment } = this.#options;
    const now = environment.now();
    const askedMs = this.#retryAfterMs - Math.max(0, now - this.#triedAt);
    const waitMs = Math.max(delayMs, askedMs);
    this.#cancelTimer = environment.after(waitMs, () => this.#try());
    this.#setStatus({ state: "waiting", reason, nextTryAt: now + waitMs });
  }

  #onPage(event: PageEvent): void {
    switch (event) {
      case "hidden":
        this.#isHidden = true;
        return;
      case "offline":
        // Not proof enough: some devices say so while loopback or a cable works.
        this.#isOffline = true;
        this.#connection?.probe();
        return;
      case "asleep":
        this.#isAsleep = true;
        if (this.#status.state !== "idle") {
          this.#lose({ kind: "page-hidden", message: "the page went to sleep" });
        }
        return;
      case "visible":
        this.#isHidden = false;
        break;
      case "online":
        this.#isOffline = false;
        break;
      case "awake":
        this.#isAsleep = false;
        break;
    }
    this.#hurry();
  }

  /** Things look better: waits no longer than `baseMs` since the last try. */
  #hurry(): void {
    this.#connection?.probe();
    if (this.#status.state !== "waiting") return;
    const { reason, nextTryAt } = this.#status;
    const { backoff, environment } = this.#options;
    const sinceMs = environment.now() - this.#triedAt;
    const delayMs = nextTryAt === undefined ? 0 : backoff.baseMs - Math.max(0, sinceMs);
    this.#failures = 0;
    if (nextTryAt === undefined || nextTryAt > environment.now() + delayMs) {
      this.#wait(reason, Math.max(0, delayMs));
    }
  }

  #setStatus(status: Status): void {
    this.#status = status;
    this.#events.status(status);
  }
}
