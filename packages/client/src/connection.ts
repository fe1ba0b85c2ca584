import { withQuery } from "./address.js";
import { HEARTBEAT_TIMEOUT } from "./close-codes.js";
import type { Data, Link } from "./environment.js";
import type { ClientError } from "./errors.js";
import { connectionIdOf, isPong } from "./frames.js";
import { Heartbeat } from "./heartbeat.js";
import type { ResolvedOptions } from "./options.js";
import { Unconfirmed } from "./queue.js";
import type { Reason } from "./status.js";
import { TokenRefresher } from "./token.js";

export interface ConnectionEvents {
  opened(connectionId: string | undefined): void;
  received(data: string | ArrayBuffer): void;
  /** Told once, and nothing after it. Not told where `end` was called. */
  lost(reason: Reason): void;
  failed(error: ClientError): void;
}

/**
 * One connection, from its socket to its end, and all that belongs to it alone.
 *
 * Which frames are the node's own: the `open` frame only as the first, a pong only while a ping is unanswered, the
 * answer to a token only while one is awaited. Everything else is the application's, whatever it looks like.
 */
export class Connection {
  readonly url: string;
  readonly #options: ResolvedOptions;
  readonly #events: ConnectionEvents;
  readonly #link: Link;
  readonly #unconfirmed: Unconfirmed;
  #heartbeat: Heartbeat | undefined;
  #tokens: TokenRefresher | undefined;
  #id: string | undefined;
  #knownGoodAt: number;
  #openedAt: number | undefined;
  #hasEnded = false;

  /** @throws what the WebSocket constructor throws. */
  constructor(
    options: ResolvedOptions,
    { url, token }: { url: string; token: string | undefined },
    events: ConnectionEvents,
  ) {
    const { environment } = options;
    this.url = url;
    this.#options = options;
    this.#events = events;
    this.#unconfirmed = new Unconfirmed(options.queue);
    // Whatever the node sends to this connection, it sends after this.
    this.#knownGoodAt = environment.now();
    this.#link = environment.open(
      token === undefined || !options.tokenInUrl ? url : withQuery(url, "access_token", token),
      [...options.protocols(token)],
      {
        opened: () => {
          if (!options.openFrame) this.#open(undefined, token);
        },
        received: (data) => this.#received(data, token),
        ended: (code, message) => this.#lose({ kind: code === 1006 ? "lost" : "closed", code, message }),
      },
    );
  }

  /** When it became open; undefined where it did not. */
  get openedAt(): number | undefined {
    return this.#openedAt;
  }

  /** All that the node sent until then has arrived: when the last ping was sent that has its answer. */
  get knownGoodAt(): number {
    return this.#knownGoodAt;
  }

  /** There is a socket, open frame or not. */
  get isLinked(): boolean {
    return this.#link.isOpen;
  }

  get canSend(): boolean {
    return this.#openedAt !== undefined && !this.#hasEnded && this.#link.isOpen;
  }

  get bufferedBytes(): number {
    return this.#link.bufferedBytes;
  }

  send(data: Data): void {
    this.#unconfirmed.add(data);
    this.#link.send(data);
    if (this.#unconfirmed.isHalfFull) this.#heartbeat?.ask();
  }

  /** There is a reason to doubt that the link lives. */
  probe(): void {
    this.#heartbeat?.probe();
  }

  /** What was sent, and may or may not have reached the node. */
  report(): { uncertain: readonly Data[]; forgotten: number } {
    return this.#unconfirmed.report();
  }

  end(code: number, reason: string): void {
    if (this.#hasEnded) return;
    this.#link.close(code, reason);
    this.#release();
  }

  #release(): void {
    this.#hasEnded = true;
    this.#heartbeat?.close();
    this.#tokens?.close();
  }

  #lose(reason: Reason): void {
    this.#release();
    this.#events.lost(reason);
  }

  #open(connectionId: string | undefined, token: string | undefined): void {
    const { environment, heartbeat, token: getToken, tokenMarginMs } = this.#options;
    this.#id = connectionId;
    this.#openedAt = environment.now();
    if (heartbeat !== undefined) {
      this.#heartbeat = new Heartbeat(environment, heartbeat, {
        ping: () => this.#ping(),
        silent: () => this.#onSilent(),
      });
    }
    if (getToken !== undefined && token !== undefined) {
      this.#tokens = new TokenRefresher(
        environment,
        { token, getToken, marginMs: tokenMarginMs },
        { send: (frame) => this.#link.send(frame), error: (error) => this.#events.failed(error) },
      );
    }
    this.#events.opened(connectionId);
  }

  #received(data: string | ArrayBuffer, token: string | undefined): void {
    if (this.#openedAt === undefined) {
      const connectionId = typeof data === "string" ? connectionIdOf(data) : undefined;
      this.#open(connectionId, token);
      // A node that sends no open frame: this is a message already.
      if (connectionId === undefined && !this.#hasEnded) this.#events.received(data);
      return;
    }
    this.#heartbeat?.heard();
    if (typeof data === "string" && (this.#isPong(data) || this.#tokens?.answered(data) === true)) return;
    this.#events.received(data);
  }

  #isPong(text: string): boolean {
    if (!this.#unconfirmed.isPinged || !isPong(text, this.#id)) return false;
    this.#knownGoodAt = this.#unconfirmed.ponged() ?? this.#knownGoodAt;
    return true;
  }

  #ping(): void {
    if (!this.#link.isOpen) return;
    this.#unconfirmed.pinged(this.#options.environment.now());
    this.#link.send("ping");
  }

  #onSilent(): void {
    this.#link.close(HEARTBEAT_TIMEOUT, "no answer to ping");
    this.#lose({ kind: "silent", message: "the node answered no ping" });
  }
}
