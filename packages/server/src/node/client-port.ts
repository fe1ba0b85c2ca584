import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { closeCodes, nodeKeyOf } from "@websocket-center/protocol";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import type { NodeConfig } from "../config/options.js";
import { createClientAddress } from "../http/client-address.js";
import { parseQuery, queryToObject } from "../http/query.js";
import { Connection, CLOSE_TIMEOUT_MS, type ConnectionHost } from "./connection.js";
import type { NodeHandlers } from "./events.js";
import { BINARY, encodePong, TEXT } from "./frame.js";
import { Heartbeat } from "./heartbeat.js";
import type { Hub } from "./hub.js";
import { Interned } from "./interned.js";
import type { NodeIdentity } from "./identity.js";
import type { InterestFeed } from "./interest.js";
import { SpreadClosing } from "./spread-closing.js";
import type { ClientTokens } from "./tokens/client-tokens.js";
import {
  type Admitted,
  admit,
  type Authorize,
  ConnectionLimits,
  type ConnectionPlaces,
  refuseUpgrade,
  type Refusal,
} from "./upgrade.js";

/** Each of its methods is told once for each event; none may throw. */
export interface ClientPortObserver {
  opened(connection: Connection): void;
  closed(connection: Connection, code: number): void;
  refused(address: string, refusal: Refusal): void;
  received(connection: Connection, bytes: number, opcode: number): void;
  failed(connection: Connection | undefined, stage: string, error: unknown): void;
}

/** What stands in a `close` event where the client's close frame had no code (RFC 6455, 7.1.5). */
const NO_STATUS = 1005;

/** How much is kept of a header of the handshake. */
const MAX_HEADER_CHARS = 300;

/** The `ws` socket, with a way back to its connection: handlers are shared by all sockets instead of one closure each. */
class ClientSocket extends WebSocket {
  connection: Connection | undefined;

  /** `ws` calls it too, where the client closes or breaks the protocol: what was queued goes out first. */
  override close(code?: number, reason?: string | Buffer): void {
    this.connection?.flush();
    this.connection?.beginClosing(code ?? NO_STATUS, reason?.toString() ?? "");
    super.close(code, reason);
  }
}

/** The way back from a client's TCP or TLS socket, for the same reason. */
const connectionOf = Symbol("connection");
interface ConnectedSocket extends Duplex {
  [connectionOf]?: Connection;
}

const nothingKnown: Admitted = {};
const goingAway: Refusal = { status: 503, cause: "draining", reason: "this node is going away" };

/** Everything about clients: from the upgrade request to the last close. */
export class ClientPort {
  readonly #config: NodeConfig;
  readonly #identity: NodeIdentity;
  readonly #hub: Hub;
  readonly #interest: Pick<InterestFeed, "announce" | "settled">;
  readonly #host: ConnectionHost;
  readonly #handlers: NodeHandlers;
  readonly #observer: ClientPortObserver;
  readonly #authorize: Authorize | undefined;
  readonly #places: ConnectionPlaces;
  readonly #tokens: ClientTokens | undefined;
  readonly #heartbeat: Heartbeat;
  readonly #clientAddress: (request: IncomingMessage) => string;
  readonly #webSockets: WebSocketServer;
  /** Those whose socket has not ended, closing ones included. */
  readonly #live = new Set<Connection>();
  /** Origins and user agents of the clients that are here. */
  readonly #headerTexts = new Interned();
  /** Sockets whose handshake is under way, or was refused, with the address that each has a place for. */
  readonly #handshakes = new Map<Duplex, string>();
  #isDraining = false;
  #isClosed = false;
  /** What a drain does. */
  readonly #closing = new SpreadClosing();
  /** Those who wait until nobody is left, or the drain is called off. */
  readonly #onEmpty: (() => void)[] = [];

  constructor(parts: {
    config: NodeConfig;
    identity: NodeIdentity;
    hub: Hub;
    interest: Pick<InterestFeed, "announce" | "settled">;
    host: ConnectionHost;
    handlers: NodeHandlers;
    observer: ClientPortObserver;
    authorize: Authorize | undefined;
    /** Default: counted here. */
    places?: ConnectionPlaces | undefined;
    /** Undefined where clients need none. */
    tokens: ClientTokens | undefined;
  }) {
    const { config } = parts;
    this.#config = config;
    this.#identity = parts.identity;
    this.#hub = parts.hub;
    this.#interest = parts.interest;
    this.#host = parts.host;
    this.#handlers = parts.handlers;
    this.#observer = parts.observer;
    this.#authorize = parts.authorize;
    this.#places = parts.places ?? new ConnectionLimits(config);
    this.#tokens = parts.tokens;
    this.#heartbeat = new Heartbeat({
      intervalMs: config.heartbeatIntervalMs,
      timeoutMs: config.heartbeatTimeoutMs,
    });
    this.#clientAddress = createClientAddress(config.trustedProxies);
    // A variable, because the types of `ws` do not know `closeTimeout` yet.
    const options = {
      noServer: true,
      clientTracking: false,
      maxPayload: config.maxPayloadBytes,
      perMessageDeflate: config.perMessageDeflate,
      closeTimeout: CLOSE_TIMEOUT_MS,
      // Pongs are queued with everything else, so that they overtake nothing.
      autoPong: false,
      WebSocket: ClientSocket,
    };
    this.#webSockets = new WebSocketServer(options);
    // Without a listener `ws` would refuse these by itself, and nobody would know.
    this.#webSockets.on("wsClientError", (error, socket, request) => {
      const refusal: Refusal = { status: 400, cause: "bad-request", reason: error.message };
      this.#refuse(this.#clientAddress(request), socket, refusal);
    });
  }

  /** See {@link ConnectionHost.livedMs}. */
  get livedMs(): number {
    return this.#heartbeat.livedMs;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Whether it has as many connections as it may. */
  get isFull(): boolean {
    return this.#places.isFull;
  }

  /** Takes an upgrade request, with its socket: it becomes a connection or is refused with an HTTP status. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const address = this.#clientAddress(request);
    socket.on("error", onSocketError);
    const refusal = this.#refusal(request) ?? this.#places.take(address);
    if (refusal instanceof Promise) void this.#acceptLater(refusal, request, socket, head, address);
    else if (refusal !== undefined) this.#refuse(address, socket, refusal);
    else this.#acceptAt(request, socket, head, address);
  }

  async #acceptLater(
    taking: Promise<Refusal | undefined>,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    address: string,
  ): Promise<void> {
    this.#handshakes.set(socket, address);
    // What the client sends meanwhile is for its connection.
    socket.pause();
    const refusal = await taking;
    this.#handshakes.delete(socket);
    if (refusal !== undefined) this.#refuse(address, socket, refusal);
    else if (socket.destroyed) this.#places.release(address);
    else this.#acceptAt(request, socket, head, address);
  }

  /** Goes on with a client that has its place: it is given back when the socket ends, whatever became of it until then. */
  #acceptAt(request: IncomingMessage, socket: Duplex, head: Buffer, address: string): void {
    this.#handshakes.set(socket, address);
    socket.on("close", this.#onSocketClose);
    this.#upgrade(request, socket, head, address).catch((error: unknown) => {
      this.#observer.failed(undefined, "upgrade", error);
      socket.destroy();
    });
  }

  readonly #onSocketClose = ((port: ClientPort) =>
    function (this: ConnectedSocket): void {
      const address = this[connectionOf]?.remoteAddress ?? port.#handshakes.get(this);
      if (address !== undefined) port.#places.release(address);
      port.#handshakes.delete(this);
    })(this);

  /**
   * Refuses new clients, and closes those that are here with 1012, spread over `spreadMs`; of several calls, the one
   * that ends first sets the pace. Resolves when all are gone, or when `undrain` calls it off.
   */
  drain(spreadMs: number): Promise<void> {
    this.#isDraining = true;
    this.#closing.begin([...this.#live], spreadMs);
    return this.#empty();
  }

  /** Takes new clients again, and leaves alone those that were not closed yet. */
  undrain(): void {
    if (this.#isClosed) return;
    this.#isDraining = false;
    this.#closing.stop();
    for (const tell of this.#onEmpty.splice(0)) tell();
  }

  /**
   * Closes at once who is left, with 1012, and ends handshakes. Resolves when `close` handlers have been told of all:
   * a client that does not answer is cut off after a second.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#isDraining = true;
    this.#closing.stop();
    this.#heartbeat.close();
    for (const socket of this.#handshakes.keys()) refuseUpgrade(socket, goingAway);
    const { code, reason } = closeCodes.SERVICE_RESTART;
    for (const connection of this.#live) connection.close(code, reason);
    await this.#empty();
  }

  async #empty(): Promise<void> {
    if (this.#live.size > 0) await new Promise<void>((resolve) => this.#onEmpty.push(resolve));
  }

  #refusal(request: IncomingMessage): Refusal | undefined {
    if (this.#isDraining) return goingAway;
    const { origin } = request.headers;
    const { clientOrigins } = this.#config;
    if (origin !== undefined && clientOrigins.length > 0 && !clientOrigins.includes(origin.toLowerCase())) {
      return { status: 403, cause: "origin", reason: "this origin is not allowed" };
    }
    return undefined;
  }

  #refusalOfUser(userId: string | undefined): Refusal | undefined {
    const { maxConnectionsPerUser, userOverflow } = this.#config;
    if (userId === undefined || maxConnectionsPerUser === 0 || userOverflow !== "refuse") return undefined;
    if (this.#hub.connectionsOf(userId).size < maxConnectionsPerUser) return undefined;
    return { status: 429, cause: "user-full", reason: "the user has as many connections as it may" };
  }

  /** Closes the user's oldest connections, so that one more is not too many. */
  #makeRoom(userId: string): void {
    const { maxConnectionsPerUser } = this.#config;
    if (maxConnectionsPerUser === 0) return;
    const present = [...this.#hub.connectionsOf(userId)];
    const { code, reason } = closeCodes.REPLACED;
    for (const oldest of present.slice(0, present.length + 1 - maxConnectionsPerUser)) {
      oldest.close(code, reason);
    }
  }

  #refuse(address: string, socket: Duplex, refusal: Refusal): void {
    this.#observer.refused(address, refusal);
    refuseUpgrade(socket, refusal);
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, address: string): Promise<void> {
    // Where nobody need be asked, it is a client at once.
    const isAsked = this.#tokens !== undefined || this.#authorize !== undefined;
    const admitted = isAsked ? await this.#admit(request, socket, address) : nothingKnown;
    if (admitted === undefined) return;
    // Centers know of the user and groups before the client hears that it is in, and can tell others.
    const isHeld = admitted.userId !== undefined || admitted.groups !== undefined;
    const announced = isHeld ? this.#interest.announce(admitted) : undefined;
    try {
      if (isHeld) await this.#interest.settled();
      const refusal = this.#refusal(request) ?? this.#refusalOfUser(admitted.userId);
      if (refusal !== undefined) {
        this.#refuse(address, socket, refusal);
        return;
      }
      // The answer to the handshake and the first frame leave in one write.
      socket.cork();
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        if (!(webSocket instanceof ClientSocket)) return;
        this.#open(webSocket, socket, request, address, admitted);
        webSocket.connection?.flush();
      });
      socket.uncork();
      // It may have been paused while it waited for its place.
      socket.resume();
    } finally {
      announced?.();
    }
  }

  /** Asks who may decide. @returns undefined where the client is refused, or went away. */
  async #admit(request: IncomingMessage, socket: Duplex, address: string): Promise<Admitted | undefined> {
    const outcome = await admit({ tokens: this.#tokens, authorize: this.#authorize }, request, socket, {
      timeoutMs: this.#config.handshakeTimeoutMs,
      remoteAddress: address,
      onError: (error) => this.#observer.failed(undefined, "authorize", error),
    });
    if (outcome === undefined || "admitted" in outcome) return outcome?.admitted;
    this.#refuse(address, socket, outcome.refusal);
    return undefined;
  }

  #open(
    webSocket: ClientSocket,
    socket: Duplex,
    request: IncomingMessage,
    remoteAddress: string,
    { userId, groups, data, grant }: Admitted,
  ): void {
    this.#identity.settle();
    const id = nodeKeyOf(this.#identity.id) + randomHex80();
    const { origin, "user-agent": userAgent } = request.headers;
    const connection = new Connection(this.#host, {
      id,
      remoteAddress,
      data: connectionData(request, data),
      origin: this.#headerText(origin),
      userAgent: this.#headerText(userAgent),
      webSocket,
      socket,
    });
    webSocket.connection = connection;
    webSocket.on("message", this.#onMessage);
    webSocket.on("ping", onPing);
    webSocket.on("pong", onPong);
    webSocket.on("close", this.#onClose);
    webSocket.on("error", this.#onError);
    (socket as ConnectedSocket)[connectionOf] = connection;
    this.#handshakes.delete(socket);
    socket.on("end", onSocketEnd);
    this.#live.add(connection);
    this.#heartbeat.add(connection);
    this.#hub.add(connection);
    if (userId !== undefined) {
      this.#makeRoom(userId);
      this.#hub.bind(userId, connection);
    }
    if (grant !== undefined) this.#tokens?.opened(connection, grant);
    for (const groupId of groups ?? []) this.#hub.join(groupId, connection);
    if (this.#config.openMessage) connection.send(`{"cmd":"open","_id":"${id}"}`);
    this.#observer.opened(connection);
    this.#handlers.open(connection, request);
  }

  #headerText(text: string | undefined): string | undefined {
    return text === undefined ? undefined : this.#headerTexts.of(text.slice(0, MAX_HEADER_CHARS));
  }

  readonly #onMessage = ((port: ClientPort) =>
    function (this: WebSocket, data: RawData, isBinary: boolean): void {
      const { connection } = this as ClientSocket;
      if (connection !== undefined && Buffer.isBuffer(data)) port.#receive(connection, data, isBinary);
    })(this);

  readonly #onClose = ((port: ClientPort) =>
    function (this: WebSocket, code: number, reason: Buffer): void {
      const { connection } = this as ClientSocket;
      if (connection !== undefined) port.#ended(connection, code, reason.toString());
    })(this);

  readonly #onError = ((port: ClientPort) =>
    function (this: WebSocket, error: Error): void {
      const { connection } = this as ClientSocket;
      port.#observer.failed(connection, "protocol", error);
      port.#handlers.error(error, connection);
    })(this);

  #receive(connection: Connection, data: Buffer, isBinary: boolean): void {
    connection.answerDueTick = undefined;
    this.#observer.received(connection, data.length, isBinary ? BINARY : TEXT);
    if (connection.closing !== undefined) return;
    if (this.#config.pingMessage && data.length === 4 && data.toString("latin1") === "ping") {
      connection.send(`{"cmd":"pong","_id":"${connection.id}"}`);
      return;
    }
    if (!isBinary && this.#tokens?.takes(connection, data) === true) return;
    if (this.#handlers.has("message"))
      this.#handlers.message(connection, isBinary ? data : data.toString(), isBinary);
  }

  #ended(connection: Connection, code: number, reason: string): void {
    connection.ended();
    this.#live.delete(connection);
    connection.beginClosing(code, reason);
    const closed = connection.closing ?? { code, reason };
    this.#observer.closed(connection, closed.code);
    this.#handlers.close(connection, closed.code, closed.reason);
    if (this.#live.size > 0) return;
    this.#closing.stop();
    for (const tell of this.#onEmpty.splice(0)) tell();
  }

  /** Takes a connection out of the hub and the heartbeat: it is closing, or has closed. */
  leave(connection: Connection): void {
    this.#hub.remove(connection);
    this.#heartbeat.remove(connection);
    this.#tokens?.left(connection);
  }
}

/** 80 random bits as 20 hex characters: the parts of a UUID that are all random, of which Node.js keeps a store. */
function randomHex80(): string {
  const uuid = randomUUID();
  return uuid.slice(0, 8) + uuid.slice(24);
}

function onSocketError(this: Duplex): void {
  this.destroy();
}

function onSocketEnd(this: ConnectedSocket): void {
  this[connectionOf]?.peerEnded();
}

function onPing(this: WebSocket, payload: Buffer): void {
  const { connection } = this as ClientSocket;
  connection?.enqueue(encodePong(payload));
}

function onPong(this: WebSocket): void {
  const { connection } = this as ClientSocket;
  if (connection !== undefined) connection.answerDueTick = undefined;
}

/** The handshake's query parameters and what `authorize` adds; undefined where there is nothing. Never a token. */
function connectionData(
  { url = "" }: IncomingMessage,
  added: Record<string, unknown> | undefined,
): Record<string, unknown> | undefined {
  const question = url.indexOf("?");
  if (question === -1) return added;
  const data = { ...queryToObject(parseQuery(url.slice(question + 1)), ["access_token"]), ...added };
  return Object.keys(data).length === 0 ? undefined : data;
}
