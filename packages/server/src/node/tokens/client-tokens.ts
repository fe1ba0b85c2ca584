import type { IncomingMessage } from "node:http";
import { closeCodes } from "@websocket-center/protocol";
import type { NodeConfig } from "../../config/options.js";
import type { CenterError } from "../../errors.js";
import type { Connection } from "../connection.js";
import type { Refusal } from "../upgrade.js";
import { Expiries } from "./expiries.js";
import { takeToken } from "./presented-token.js";
import { RemoteKeys } from "./remote-keys.js";
import { readPublicKeys, secretKeys } from "./verification-keys.js";
import { type Grant, type TokenProblem, TokenVerifier } from "./verifier.js";

export interface ClientTokensObserver {
  keysUnavailable(error: CenterError): void;
  /** A client sent a new token on its open connection. `problem` is undefined where it counts. */
  tokenRenewed(connection: Connection, problem: string | undefined): void;
  failed(connection: Connection | undefined, stage: string, error: unknown): void;
}

/** What is known of a connection's token: never the token. */
interface Session {
  readonly subject: string;
  /** A new one is being verified. */
  isChecking: boolean;
  /** The present one has run out meanwhile. */
  isOver: boolean;
}

/**
 * The tokens of a node's clients: asked for at the handshake, renewed on the open connection, and the end of a
 * connection whose token runs out.
 */
export class ClientTokens {
  readonly #observer: ClientTokensObserver;
  readonly #verifier: TokenVerifier;
  readonly #remote: RemoteKeys | undefined;
  readonly #leewayMs: number;
  readonly #sessions = new Map<Connection, Session>();
  readonly #expiries = new Expiries<Connection>((connection) => this.#onExpired(connection));

  /**
   * @returns undefined where the configuration asks for no tokens.
   * @throws CenterError CONFIG_INVALID where a key cannot be used.
   */
  static of(config: NodeConfig, observer: ClientTokensObserver): ClientTokens | undefined {
    const { clientJwtSecret, clientJwtPublicKey, clientJwks } = config;
    if (clientJwtSecret.length === 0 && clientJwtPublicKey === undefined && clientJwks === undefined) {
      return undefined;
    }
    return new ClientTokens(config, observer);
  }

  private constructor(config: NodeConfig, observer: ClientTokensObserver) {
    const { clientJwtSecret, clientJwtPublicKey, clientJwks } = config;
    const publicKeys = clientJwtPublicKey === undefined ? [] : readPublicKeys(clientJwtPublicKey);
    this.#observer = observer;
    this.#leewayMs = config.clientJwtLeewayMs;
    this.#remote =
      clientJwks === undefined
        ? undefined
        : new RemoteKeys(clientJwks, { onFault: (error) => observer.keysUnavailable(error) });
    this.#verifier = new TokenVerifier(config, [...secretKeys(clientJwtSecret), ...publicKeys], this.#remote);
  }

  start(): void {
    this.#expiries.start();
    void this.#remote?.refresh();
  }

  close(): void {
    this.#expiries.close();
    this.#remote?.close();
  }

  /** Takes the token out of an upgrade request, and verifies it. */
  async admit(request: IncomingMessage): Promise<{ grant: Grant } | { refusal: Refusal }> {
    const taken = takeToken(request);
    if (taken === "none") return { refusal: unauthorized("a token is required: ?access_token=") };
    if (taken === "several") {
      const reason = "there is more than one token";
      return {
        refusal: { status: 400, cause: "token", reason, challenge: challenge("invalid_request", reason) },
      };
    }
    const checked = await this.#verifier.verify(taken.token);
    if (!("reason" in checked)) return { grant: checked };
    const { reason, isUnknown } = checked;
    if (isUnknown === true) return { refusal: { status: 503, cause: "token-keys", reason } };
    return { refusal: unauthorized(reason, challenge("invalid_token", reason)) };
  }

  /** The connection lives as long as its token. */
  opened(connection: Connection, { subject, expiresAt }: Grant): void {
    this.#sessions.set(connection, { subject, isChecking: false, isOver: false });
    this.#expiries.set(connection, expiresAt + this.#leewayMs);
  }

  left(connection: Connection): void {
    this.#sessions.delete(connection);
    this.#expiries.delete(connection);
  }

  /** Whether a text message is `{"cmd":"token",...}`, which is then taken care of. */
  takes(connection: Connection, text: Buffer): boolean {
    const frame = tokenFrameOf(text);
    const session = this.#sessions.get(connection);
    if (frame === undefined || session === undefined) return false;
    this.#renew(connection, session, frame.token).catch((error: unknown) => {
      this.#observer.failed(connection, "token", error);
      connection.close(closeCodes.INTERNAL_ERROR.code, closeCodes.INTERNAL_ERROR.reason);
    });
    return true;
  }

  /** The old token counts until a new one does. */
  async #renew(connection: Connection, session: Session, token: unknown): Promise<void> {
    if (session.isChecking) {
      this.#answer(connection, { reason: "another token is being verified" });
      return;
    }
    session.isChecking = true;
    const checked = await this.#check(session, token);
    session.isChecking = false;
    if (!this.#sessions.has(connection)) return;
    if (!("reason" in checked)) {
      session.isOver = false;
      this.#expiries.set(connection, checked.expiresAt + this.#leewayMs);
    }
    this.#answer(connection, checked);
    if (session.isOver) this.#onExpired(connection);
  }

  async #check(session: Session, token: unknown): Promise<Grant | TokenProblem> {
    if (typeof token !== "string") return { reason: "access_token must be a string" };
    const checked = await this.#verifier.verify(token);
    if ("reason" in checked || checked.subject === session.subject) return checked;
    return { reason: "the token is of another sub" };
  }

  #answer(connection: Connection, answer: Grant | TokenProblem): void {
    const problem = "reason" in answer ? answer.reason : undefined;
    this.#observer.tokenRenewed(connection, problem);
    const fields = "reason" in answer ? { error: answer.reason } : { expiresAt: answer.expiresAt };
    connection.send(JSON.stringify({ cmd: "token", ...fields }));
  }

  /** A token that came in time, and is being verified, may still save the connection. */
  #onExpired(connection: Connection): void {
    const session = this.#sessions.get(connection);
    if (session === undefined) return;
    session.isOver = true;
    if (session.isChecking) return;
    connection.close(closeCodes.TOKEN_EXPIRED.code, closeCodes.TOKEN_EXPIRED.reason);
  }
}

/** RFC 6750, 3: a request without any token gets no error code. */
function unauthorized(reason: string, header = "Bearer"): Refusal {
  return { status: 401, cause: "token", reason, challenge: header };
}

function challenge(error: "invalid_request" | "invalid_token", reason: string): string {
  const text = reason.replace(/[^ !#-[\]-~]/g, "?");
  return `Bearer error="${error}", error_description="${text}"`;
}

/** Undefined for messages of the application. Most are known by not having the words in them. */
function tokenFrameOf(text: Buffer): { token: unknown } | undefined {
  if (!text.includes('"token"') || !text.includes('"cmd"')) return undefined;
  try {
    const frame: unknown = JSON.parse(text.toString());
    if (typeof frame !== "object" || frame === null || !("cmd" in frame)) return undefined;
    if (frame.cmd !== "token") return undefined;
    return { token: "access_token" in frame ? frame.access_token : undefined };
  } catch {
    return undefined;
  }
}
