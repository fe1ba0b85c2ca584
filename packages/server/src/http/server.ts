import {
  createServer as createPlainServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, type Server as NetServer, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TlsOptions } from "node:tls";
import { CenterError, messageOf } from "../errors.js";
import { failureText, JSON_TYPE } from "./answers.js";
import { ExpressLane, type ExpressLaneOptions } from "./express-lane.js";
import { ALLOWED_METHODS } from "./guard.js";
import { HandshakeLane } from "./handshake-lane.js";
import { escapeRawUrl, readLine } from "./raw-url.js";
import { resumeWith, withoutUpgrade } from "./resume.js";
import { ServerSockets } from "./server-sockets.js";

export interface HttpServerOptions {
  /**
   * PEM of the certificate chain and of its key; without it, the server speaks plain HTTP. With `clientCa` it asks
   * clients for certificates of that authority; whoever has none gets through to the handlers, which have to look.
   */
  tls?: { cert: string | Buffer; key: string | Buffer; clientCa?: string | undefined };
  /** URL and headers together; more is answered with 431. */
  maxHeaderBytes: number;
  /** How long a request's headers may take to arrive; later is answered with 408. */
  headersTimeoutMs: number;
  /** How long a connection may wait for its next request, or for the rest of one that was answered. Default: 65,000. */
  keepAliveMs?: number;
  onRequest: (req: IncomingMessage, res: ServerResponse) => void;
  /** Answers plain requests to the classic API, with bodies of at most `maxBodyBytes`, past node:http. */
  lane?: { maxBodyBytes: number; onRequest: ExpressLaneOptions["onRequest"] } | undefined;
  /**
   * Gets the socket with every obligation: nothing but the end of `close` touches it any more. It may go on reading, so
   * that whoever does not take what comes at once pauses it.
   */
  onUpgrade?: (req: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Told of each connection that sent no request that can be read, and of the status that it was answered with. */
  onClientError?: (error: Error, status: number) => void;
  /** Told of what would otherwise be lost: what handlers threw, errors of sockets and of the listener. */
  log?: (message: string, error: unknown) => void;
}

export interface HttpServer {
  readonly server: Server;
  /** TCP connections that are open, those included that it was given by its `connection` event. */
  readonly socketCount: number;
  /**
   * @param port - 0 for any free one.
   * @returns the port that it listens on.
   * @throws CenterError PORT_TAKEN where another program has it, CONFIG_INVALID where one cannot listen there.
   */
  listen: (port: number, host: string) => Promise<number>;
  /**
   * Stops: takes no new connections, ends idle ones, lets running requests end with `Connection: close`, and
   * destroys what is left after `graceMs`, upgraded sockets included. Never rejects; a second call waits for the first.
   */
  close: (graceMs: number) => Promise<void>;
}

/** How long an idle connection is kept: longer than the 60 s at which common load balancers give it up. */
const KEEP_ALIVE_MS = 65_000;

/** How long a connection that sent no readable request may take to read the answer. */
const LINGER_MS = 2000;

/** An HTTP server that answers what node:http gives up on in the shape of the classic API, and closes in order. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { headersTimeoutMs, keepAliveMs = KEEP_ALIVE_MS, log, onClientError, onUpgrade, tls } = options;
  const serverOptions: ServerOptions & { shouldUpgradeCallback?: (req: IncomingMessage) => boolean } = {
    maxHeaderSize: options.maxHeaderBytes,
    headersTimeout: headersTimeoutMs,
    // A streamed body may last; others have a limit where they are read.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.max(50, Math.min(10_000, headersTimeoutMs / 2)),
    keepAliveTimeout: keepAliveMs,
    // The guard judges Host: it has a better answer than an empty 400.
    requireHostHeader: false,
    // Newer releases of Node.js ask. They would tell of the upgrade before the body has come, and without it.
    ...(onUpgrade === undefined
      ? {}
      : { shouldUpgradeCallback: (req) => wantsWebSocket(req) || !hasBody(req) }),
  };
  const server: Server =
    tls === undefined
      ? createPlainServer(serverOptions)
      : createTlsServer({ ...serverOptions, ...tlsOptions(tls) });
  const connectionEvent = tls === undefined ? "connection" : "secureConnection";
  const nodeHttp = server.listeners(connectionEvent);
  server.removeAllListeners(connectionEvent);
  const sockets = new ServerSockets(server, { maxHeadBytes: options.maxHeaderBytes });
  /** For sockets that node:http does not listen to. Peers that vanish are no fault of ours, and anybody can do so at will. */
  const onSocketError = (error: NodeJS.ErrnoException): void => {
    if (!vanished.has(error.code)) log?.("a socket failed", error);
  };
  const stopKeeping = new WeakMap<Duplex, () => void>();
  const lane = options.lane === undefined ? undefined : openLane(options.lane);
  const first = lane ?? (onUpgrade === undefined ? undefined : openHandshakeLane());
  server.on(connectionEvent, (socket: Socket) => {
    if (first === undefined) toNodeHttp(socket);
    else first.take(socket);
  });
  /** Connections that node:http has given up on, and that were dealt with here. */
  const handled = new WeakSet<Duplex>();
  const resumed = new WeakSet<Duplex>();
  const closeAfterAnswer = new WeakSet<Duplex>();

  function toNodeHttp(connection: Duplex): void {
    for (const listener of nodeHttp) Reflect.apply(listener, server, [connection]);
    stopKeeping.set(connection, sockets.keepHeads(connection));
  }

  function openLane({ maxBodyBytes, onRequest }: NonNullable<HttpServerOptions["lane"]>): ExpressLane {
    return new ExpressLane({
      maxHeadBytes: options.maxHeaderBytes,
      maxBodyBytes,
      idleMs: keepAliveMs,
      firstRequestMs: headersTimeoutMs,
      onRequest,
      handOver,
    });
  }

  function openHandshakeLane(): HandshakeLane {
    return new HandshakeLane({
      maxHeadBytes: options.maxHeaderBytes,
      timeoutMs: headersTimeoutMs,
      onHandshake: (req, socket, head) => server.emit("upgrade", req, socket, head),
      onSilent: (socket) => {
        socket.on("error", onSocketError);
        refuse(new Error("nothing was sent"), socket, 408);
      },
      handOver,
    });
  }

  function handOver(socket: Socket, unread: Buffer): void {
    sockets.beginAt(socket, socket.bytesRead - unread.length);
    if (unread.length > 0) socket.unshift(unread);
    toNodeHttp(socket);
  }

  server.on("request", (req: IncomingMessage, res: ServerResponse) => {
    sockets.begin(req, res);
    if (closeAfterAnswer.has(req.socket)) res.setHeader("Connection", "close");
    try {
      options.onRequest(req, res);
    } catch (error) {
      log?.("a request handler threw", error);
      res.destroy();
    }
  });

  if (onUpgrade !== undefined) {
    server.on("upgrade", (req: IncomingMessage, socket: Duplex, head: Buffer) => {
      stopKeeping.get(socket)?.();
      socket.on("error", onSocketError);
      if (!wantsWebSocket(req)) {
        beginAnew(resumeWith(socket, withoutUpgrade(req, head)));
        return;
      }
      if (resumed.has(socket)) {
        // Every WebSocket client does both, and those who take upgrades count on a real socket.
        endWithFailure(socket, 400, "begin a connection with the WebSocket handshake, its URL escaped");
        return;
      }
      try {
        onUpgrade(req, socket, head);
      } catch (error) {
        log?.("an upgrade handler threw", error);
        socket.destroy();
      }
    });
  }

  // An expectation that nobody knows may be ignored (RFC 9110, 10.1.1); node:http would refuse it with an empty 417.
  server.on("checkExpectation", (req, res) => server.emit("request", req, res));

  // node:http would close these without an answer.
  server.on("connect", (_req: IncomingMessage, socket: Duplex) => {
    socket.on("error", onSocketError);
    endWithFailure(socket, 405, "method not allowed");
  });

  /** Whether the error may be a URL with bytes beyond ASCII: then the connection goes on with it escaped. */
  function resume(error: ClientError, socket: Duplex): boolean {
    const { code, rawPacket } = error;
    if (code !== "HPE_INVALID_URL" || rawPacket === undefined || !(socket instanceof Socket)) return false;
    const head = sockets.headOf(socket, rawPacket);
    if (head === undefined) return false;
    void readOn(error, socket, head);
    return true;
  }

  async function readOn(problem: ClientError, socket: Socket, head: Buffer): Promise<void> {
    const limits = { maxBytes: options.maxHeaderBytes, timeoutMs: headersTimeoutMs };
    const line = await readLine(socket, head, limits);
    const first = Buffer.isBuffer(line) ? escapeRawUrl(line) : undefined;
    if (first !== undefined) {
      const connection = resumeWith(socket, first);
      closeAfterAnswer.add(connection);
      beginAnew(connection);
    } else if (line === undefined) socket.destroy();
    else refuse(problem, socket, Buffer.isBuffer(line) ? 400 : line.status);
  }

  function beginAnew(connection: Duplex): void {
    resumed.add(connection);
    toNodeHttp(connection);
  }

  server.on("clientError", (error: ClientError, socket: Duplex) => {
    if (handled.has(socket)) return;
    handled.add(socket);
    if (resume(error, socket)) return;
    refuse(error, socket, statusOf(error));
  });

  function refuse(error: ClientError, socket: Duplex, status: keyof typeof refusals): void {
    onClientError?.(error, status);
    if (error.code === "ECONNRESET" || !socket.writable || !sockets.mayAnswerRaw(socket)) socket.destroy();
    else endWithFailure(socket, status, refusals[status]);
  }

  server.on("error", (error) => {
    // What keeps it from listening at all rejects `listen`.
    if (server.listening) log?.("the HTTP server failed", error);
  });

  let closing: Promise<void> | undefined;
  return {
    server,
    get socketCount() {
      return sockets.size;
    },
    listen: (port, host) => listen(server, port, host),
    close: (graceMs) => {
      closing ??= sockets.close(graceMs);
      lane?.close();
      return closing;
    },
  };
}

function tlsOptions({ clientCa, ...tls }: NonNullable<HttpServerOptions["tls"]>): TlsOptions {
  return clientCa === undefined
    ? tls
    : { ...tls, ca: clientCa, requestCert: true, rejectUnauthorized: false };
}

function wantsWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === "websocket";
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
}

const vanished: ReadonlySet<string | undefined> = new Set(["ECONNRESET", "EPIPE", "ETIMEDOUT"]);

/** What node:http says of a connection that it gave up on; `rawPacket` is what it had read last. */
interface ClientError extends NodeJS.ErrnoException {
  rawPacket?: Buffer;
}

const refusals = {
  400: "the request is not valid HTTP",
  405: "method not allowed",
  408: "the request took too long to arrive",
  431: "URL and headers are too large",
} as const;

/** A request line whose method node:http does not know. */
const unknownMethod = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [!-~\x80-\xff]+ HTTP\/1\.[01]\r/;

function statusOf({ code, rawPacket }: ClientError): keyof typeof refusals {
  if (code === "HPE_INVALID_METHOD" && unknownMethod.test(rawPacket?.toString("latin1") ?? "")) return 405;
  if (code === "HPE_HEADER_OVERFLOW") return 431;
  return code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : 400;
}

/**
 * Writes an answer past node:http and ends the connection, once the caller has read it: what still comes is thrown
 * away for at most 2 s, for a reset can destroy the answer.
 */
function endWithFailure(socket: Duplex, status: number, message: string): void {
  const body = failureText(message);
  const allow = status === 405 ? `Allow: ${ALLOWED_METHODS}\r\n` : "";
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\nContent-Type: ${JSON_TYPE}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nCache-Control: no-store\r\n` +
      `X-Content-Type-Options: nosniff\r\n${allow}Connection: close\r\n\r\n${body}`,
  );
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  timer.unref();
  socket.once("end", () => socket.destroy());
  socket.once("close", () => clearTimeout(timer));
  socket.resume();
}

/** Connections that may wait to be accepted when many come at once; the system may allow fewer (net.core.somaxconn). */
const ACCEPT_BACKLOG = 16_384;

/**
 * @param port - 0 for any free one.
 * @returns the port that it listens on.
 * @throws CenterError PORT_TAKEN where another program has it, CONFIG_INVALID where one cannot listen there.
 */
export function listen(server: NetServer, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const onListening = (): void => {
      server.off("error", onError);
      resolve((server.address() as AddressInfo).port);
    };
    const onError = (error: NodeJS.ErrnoException): void => {
      server.off("listening", onListening);
      reject(listenError(error, port, host));
    };
    server.once("listening", onListening).once("error", onError);
    server.listen({ port, host, backlog: ACCEPT_BACKLOG });
  });
}

function listenError(error: NodeJS.ErrnoException, port: number, host: string): CenterError {
  if (error.code === "EADDRINUSE") {
    const advice = "stop the program that listens there, or set another port";
    return new CenterError("PORT_TAKEN", `port ${port} on ${host} is taken: ${advice}`, { cause: error });
  }
  return new CenterError("CONFIG_INVALID", `cannot listen on ${host} port ${port}: ${messageOf(error)}`, {
    cause: error,
  });
}
