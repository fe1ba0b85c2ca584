import type { NodeInfo, NodeStatus } from "@websocket-center/protocol";
import { canonicalAddress, formatAddress } from "../config/addresses.js";
import { Backoff } from "./backoff.js";
import type { Member } from "./backplane.js";
import { LinkBackplane } from "./link-backplane.js";
import { CenterError } from "../errors.js";
import { dial, type Dialed, type LinkTls, TwinError } from "./dial.js";

const BACKOFF = { baseMs: 100, maxMs: 5000 };
/** For what somebody has to mend first: a wrong secret or certificate, another version, a key that is taken. */
const SLOW_RETRY_MS = 30_000;

/** Who the node is: see node/identity.ts. */
export interface DialerIdentity {
  readonly id: string;
  /** A center has accepted the id: it stays. */
  settle(): void;
  /** @returns false where the id stays; else it is another one now. */
  renew(): boolean;
}

export interface DialerOptions {
  identity: DialerIdentity;
  /** The largest frame that the node takes in; centers are told. */
  maxFrameBytes?: number;
  secrets: readonly string[];
  info: () => NodeInfo;
  status: () => NodeStatus;
  tls: LinkTls | undefined;
  /** @throws CenterError where the rules do not allow to dial that host. */
  checkHost: (host: string) => void;
  /** An attempt failed, or a link ended; `retryMs` until the next attempt. */
  onLost: (address: string, error: CenterError, retryMs: number) => void;
}

interface Line {
  readonly host: string;
  readonly port: number;
  readonly backoff: Backoff;
  state: "dialing" | "linked" | "waiting";
  member: Member | undefined;
  /** The same text for every spelling of the IP address that it is linked to. */
  remoteKey: string | undefined;
  /** The center that it is in a handshake with, once that has proven itself. */
  meets: string | undefined;
  /** The center that another line is linked to or meets already, where that is why this one waits. */
  twinOf: string | undefined;
  timer: NodeJS.Timeout | undefined;
  abort: AbortController;
}

/**
 * The node's end of the `websocket` backplane: it dials each center, and again each one that is lost, for ever, with
 * backoff and full jitter. Two addresses of one center make one link.
 */
export class WebSocketDialer extends LinkBackplane {
  readonly #options: DialerOptions;
  /** By their canonical addresses. */
  readonly #lines = new Map<string, Line>();
  #started = false;
  #closed = false;

  constructor(options: DialerOptions) {
    super();
    this.#options = options;
  }

  /** `host:port` of each center that is or shall be linked. */
  get addresses(): { address: string; linked: boolean; centerId: string | undefined }[] {
    return Array.from(this.#lines.values(), ({ host, port, member }) => ({
      address: formatAddress({ host, port }),
      linked: member !== undefined,
      centerId: member?.id,
    }));
  }

  start(): void {
    this.#started = true;
    for (const line of this.#lines.values()) this.#dial(line);
  }

  /** Dials that center from now on, unless it does already. */
  add(host: string, port: number): void {
    const key = canonicalAddress({ host, port });
    if (this.#closed || this.#lines.has(key)) return;
    const line: Line = {
      host,
      port,
      backoff: new Backoff(BACKOFF),
      state: "waiting",
      member: undefined,
      remoteKey: undefined,
      meets: undefined,
      twinOf: undefined,
      timer: undefined,
      abort: new AbortController(),
    };
    this.#lines.set(key, line);
    if (this.#started) this.#dial(line);
  }

  /**
   * Leaves the center at that address, and does not dial it any more, by whichever spelling and other addresses it is
   * known.
   */
  remove(host: string, port: number): void {
    const wanted = canonicalAddress({ host, port });
    const found = [...this.#lines].filter(([key, { remoteKey }]) => key === wanted || remoteKey === wanted);
    const centerIds = new Set(found.map(([, line]) => centerIdOf(line)).filter((id) => id !== undefined));
    for (const [key, line] of [...this.#lines]) {
      const centerId = centerIdOf(line);
      if (key !== wanted && (centerId === undefined || !centerIds.has(centerId))) continue;
      this.#lines.delete(key);
      this.#stop(line, "the node leaves this center");
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const line of this.#lines.values()) this.#clear(line);
    await this.partAll(1001, "the node stops");
  }

  #clear(line: Line): void {
    clearTimeout(line.timer);
    line.abort.abort();
  }

  #stop(line: Line, reason: string): void {
    this.#clear(line);
    if (line.member !== undefined) void this.part(line.member, 1000, reason);
  }

  #dial(line: Line): void {
    const { identity, maxFrameBytes, secrets, info, status, tls, checkHost } = this.#options;
    line.state = "dialing";
    line.twinOf = undefined;
    line.abort = new AbortController();
    const { signal } = line.abort;
    const nodeId = identity.id;
    const isTwin = (centerId: string): boolean => !this.#meet(line, centerId);
    void dial({ ...line, nodeId, maxFrameBytes, secrets, info, status, tls, checkHost, isTwin, signal })
      .then(
        (dialed) => this.#onDialed(line, dialed, signal, nodeId),
        (error: unknown) => {
          if (!signal.aborted) this.#onFailed(line, asCenterError(error), nodeId);
        },
      )
      .finally(() => this.#endMeeting(line));
  }

  /** @returns false where another line has that center, or is about to: two links would end each other. */
  #meet(line: Line, centerId: string): boolean {
    if (this.memberOf(centerId) !== undefined) return false;
    for (const other of this.#lines.values()) if (other.meets === centerId) return false;
    line.meets = centerId;
    return true;
  }

  #endMeeting(line: Line): void {
    const { meets } = line;
    line.meets = undefined;
    if (meets !== undefined && line.member === undefined) this.#wakeTwins(meets);
  }

  #onDialed(line: Line, dialed: Dialed, signal: AbortSignal, nodeId: string): void {
    if (signal.aborted || nodeId !== this.#options.identity.id) {
      dialed.link.terminate("no longer wanted");
      if (!signal.aborted) this.#dial(line);
      return;
    }
    if (dialed.link.ended !== undefined) {
      this.#onFailed(line, new CenterError("LINK_LOST", dialed.link.ended), nodeId);
      return;
    }
    this.#options.identity.settle();
    line.backoff.reset();
    line.state = "linked";
    const member: Member = {
      id: dialed.centerId,
      address: formatAddress(line),
      node: undefined,
      maxFrameBytes: dialed.maxFrameBytes ?? Infinity,
    };
    line.member = member;
    const { remoteHost } = dialed;
    line.remoteKey =
      remoteHost === undefined ? undefined : canonicalAddress({ host: remoteHost, port: line.port });
    this.join(member, dialed.link, (reason) => {
      line.member = undefined;
      line.remoteKey = undefined;
      this.#wakeTwins(member.id);
      if (!signal.aborted) this.#retry(line, new CenterError("LINK_LOST", reason), line.backoff.next());
    });
    dialed.replay();
  }

  #onFailed(line: Line, error: CenterError, nodeId: string): void {
    if (error instanceof TwinError) {
      this.#waitAsTwin(line, error.centerId);
      return;
    }
    const { identity } = this.#options;
    // Another line may have been refused before, and have taken a new id already.
    if (error.code === "NODE_KEY_TAKEN" && (identity.id !== nodeId || identity.renew())) {
      this.#dial(line);
      return;
    }
    this.#retry(line, error, needsMending(error) ? slowRetryMs() : line.backoff.next());
  }

  #retry(line: Line, error: CenterError, retryMs: number): void {
    this.#options.onLost(formatAddress(line), error, retryMs);
    this.#dialIn(line, retryMs);
  }

  /** Unless the line is not wanted any more. */
  #dialIn(line: Line, ms: number): void {
    if (line.abort.signal.aborted) return;
    line.state = "waiting";
    clearTimeout(line.timer);
    line.timer = setTimeout(() => this.#dial(line), ms);
  }

  #waitAsTwin(line: Line, centerId: string): void {
    line.twinOf = centerId;
    this.#dialIn(line, slowRetryMs());
  }

  /** The center that others were twins of is gone: they may be the way back to it. */
  #wakeTwins(centerId: string): void {
    for (const line of this.#lines.values()) {
      if (line.twinOf === centerId && line.state === "waiting") this.#dialIn(line, line.backoff.next());
    }
  }
}

function slowRetryMs(): number {
  return SLOW_RETRY_MS * (0.5 + Math.random());
}

function needsMending({ code }: CenterError): boolean {
  return (
    code === "LINK_AUTH_FAILED" ||
    code === "LINK_CERT_REFUSED" ||
    code === "LINK_UNTRUSTED" ||
    code === "LINK_VERSION" ||
    code === "NODE_KEY_TAKEN" ||
    code === "LISTEN_REFUSED"
  );
}

function asCenterError(error: unknown): CenterError {
  return error instanceof CenterError ? error : new CenterError("INTERNAL", String(error), { cause: error });
}

/** The center at the other end, as far as it is known. */
function centerIdOf({ member, meets, twinOf }: Line): string | undefined {
  return member?.id ?? meets ?? twinOf;
}
