import { STATUS_CODES, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { anyId } from "@websocket-center/protocol";
import { z } from "zod";
import { CenterError } from "../errors.js";
import { asJson } from "../rpc/json.js";
import type { ClientTokens } from "./tokens/client-tokens.js";
import type { Grant } from "./tokens/verifier.js";

/** What `authorize` answers: the client may connect, with what is known of it, or it is refused with a status. */
export type Admission =
  | {
      admit: true;
      /** Bound before the `open` frame goes out, instead of the `sub` of the client's token. */
      userId?: string;
      /** Joined before the `open` frame goes out, with the groups of the client's token. */
      groups?: string[];
      /** Kept with the connection beside its query parameters, and read by `getConnectionData`. JSON values. */
      data?: Record<string, unknown>;
    }
  | { admit: false; status?: number; reason?: string };

/**
 * Decides who may connect. It is bounded by the handshake time: `signal` is aborted when that is over or when the
 * client goes away. Whatever it throws refuses the client with status 500.
 */
export type Authorize = (
  request: IncomingMessage,
  context: {
    signal: AbortSignal;
    remoteAddress: string;
    /** What the client's token says, verified. Undefined where the node asks for none. */
    claims?: Readonly<Record<string, unknown>>;
  },
) => Admission | Promise<Admission>;

const admission = z.discriminatedUnion("admit", [
  z.object({
    admit: z.literal(true),
    userId: anyId.optional(),
    groups: z.array(anyId).optional(),
    data: z.record(z.string(), z.json()).optional(),
  }),
  z.object({
    admit: z.literal(false),
    status: z.int().min(400).max(599).optional(),
    reason: z.string().max(200).optional(),
  }),
]);

type JsonObject = Record<string, z.infer<ReturnType<typeof z.json>>>;

export type Admitted = Omit<Extract<z.infer<typeof admission>, { admit: true }>, "admit"> & {
  /** Where the node asks for tokens. */
  grant?: Grant;
};

/** Why a client is not let in: answered as an HTTP response before the upgrade. */
export interface Refusal {
  status: number;
  /** Short and stable, for metrics. */
  cause:
    | "draining"
    | "full"
    | "address-full"
    | "origin"
    | "user-full"
    | "token"
    | "token-keys"
    | "authorize"
    | "authorize-timeout"
    | "authorize-error"
    | "bad-request";
  /** For the client's developer. */
  reason: string;
  /** The header WWW-Authenticate. */
  challenge?: string;
}

/**
 * Verifies the client's token, asks `authorize` and checks what it answered, all in at most `timeoutMs`.
 * @returns undefined where the client went away meanwhile.
 */
export async function admit(
  { tokens, authorize }: { tokens: ClientTokens | undefined; authorize: Authorize | undefined },
  request: IncomingMessage,
  socket: Duplex,
  options: { timeoutMs: number; remoteAddress: string; onError: (error: unknown) => void },
): Promise<{ admitted: Admitted } | { refusal: Refusal } | undefined> {
  let isGone = false;
  const controller = new AbortController();
  const { signal } = controller;
  const onGone = (): void => {
    isGone = true;
    controller.abort(new CenterError("ABORTED", "the client went away"));
  };
  socket.once("close", onGone);
  const stopWatching = destroyAtEnd(socket);
  // Not AbortSignal.timeout: that one would live on, with all that hangs on it, after the client is in.
  const timer = setTimeout(
    () => controller.abort(new DOMException("authorization took too long", "TimeoutError")),
    options.timeoutMs,
  );
  const ended = new Promise<undefined>((resolve) => {
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  try {
    const context = { signal, remoteAddress: options.remoteAddress };
    const outcome = await Promise.race([decide(tokens, authorize, request, context), ended]);
    if (isGone) return undefined;
    if (signal.aborted || outcome === undefined) {
      return { refusal: { status: 504, cause: "authorize-timeout", reason: "authorization took too long" } };
    }
    return outcome;
  } catch (error) {
    options.onError(error);
    return { refusal: { status: 500, cause: "authorize-error", reason: "authorization failed" } };
  } finally {
    clearTimeout(timer);
    socket.off("close", onGone);
    stopWatching();
  }
}

async function decide(
  tokens: ClientTokens | undefined,
  authorize: Authorize | undefined,
  request: IncomingMessage,
  context: Parameters<Authorize>[1],
): Promise<{ admitted: Admitted } | { refusal: Refusal }> {
  const checked = await tokens?.admit(request);
  if (checked !== undefined && "refusal" in checked) return checked;
  const grant = checked?.grant;
  const byToken: Admitted =
    grant === undefined ? {} : { userId: grant.subject, groups: [...grant.groups], grant };
  if (authorize === undefined || context.signal.aborted) return { admitted: byToken };
  const answer = admissionOf(
    await authorize(request, grant === undefined ? context : { ...context, claims: grant.claims }),
  );
  if (!answer.admit) {
    const { status = 403, reason = "not allowed" } = answer;
    return { refusal: { status, cause: "authorize", reason } };
  }
  const { admit: _, data, groups, ...rest } = answer;
  const admitted: Admitted = { ...byToken, ...rest };
  if (groups !== undefined) admitted.groups = [...(byToken.groups ?? []), ...groups];
  // As JSON, since centers can ask for it.
  if (data !== undefined) admitted.data = asJson(data) as JsonObject;
  return { admitted };
}

function admissionOf(answer: unknown): z.infer<typeof admission> {
  const checked = admission.safeParse(answer);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  throw new CenterError(
    "INVALID_PARAMS",
    `authorize answered what it may not: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`,
  );
}

/**
 * Destroys the socket when the client has ended it, which a socket that nobody reads does not tell. What the client
 * sends meanwhile stays unread.
 * @returns a function that stops watching.
 */
function destroyAtEnd(socket: Duplex): () => void {
  const onReadable = (): void => {
    // Lets the end of an empty stream come out.
    if (socket.readableLength === 0) socket.read(0);
  };
  const onEnd = (): void => {
    socket.destroy();
  };
  socket.on("readable", onReadable).on("end", onEnd);
  return () => {
    socket.off("readable", onReadable).off("end", onEnd);
  };
}

/** Answers an upgrade request with an HTTP response, and ends its socket. */
export function refuseUpgrade(socket: Duplex, { status, reason, challenge }: Refusal): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = `${reason}\n`;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Refused"}`,
    "Connection: close",
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(challenge === undefined ? [] : [`WWW-Authenticate: ${challenge}`]),
    ...(status === 429 || status === 503 ? ["Retry-After: 5"] : []),
  ];
  socket.once("finish", () => socket.destroy());
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}

/** Where places for connections are counted: in this process, or over several. */
export interface ConnectionPlaces {
  readonly isFull: boolean;
  /** Takes a place for the address; undefined where it got one, to be given back with `release`. Never rejects. */
  take(address: string): Refusal | undefined | Promise<Refusal | undefined>;
  release(address: string): void;
}

/** Counts connections by address, those whose handshake is under way included. */
export class ConnectionLimits implements ConnectionPlaces {
  readonly #maxConnections: number;
  readonly #maxPerAddress: number;
  readonly #byAddress = new Map<string, number>();
  #count = 0;

  /** 0 means no limit. */
  constructor(options: { maxConnections: number; maxConnectionsPerAddress: number }) {
    this.#maxConnections = options.maxConnections;
    this.#maxPerAddress = options.maxConnectionsPerAddress;
  }

  get isFull(): boolean {
    return this.#maxConnections > 0 && this.#count >= this.#maxConnections;
  }

  /** Takes a place for the address; undefined where it got one, to be given back with `release`. */
  take(address: string): Refusal | undefined {
    if (this.isFull) {
      return { status: 503, cause: "full", reason: "this node has as many connections as it may" };
    }
    if (this.#maxPerAddress > 0) {
      const here = this.#byAddress.get(address) ?? 0;
      if (here >= this.#maxPerAddress) {
        return { status: 429, cause: "address-full", reason: "too many connections from your address" };
      }
      this.#byAddress.set(address, here + 1);
    }
    this.#count += 1;
    return undefined;
  }

  release(address: string): void {
    this.#count -= 1;
    if (this.#maxPerAddress === 0) return;
    const left = (this.#byAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#byAddress.set(address, left);
    else this.#byAddress.delete(address);
  }
}
