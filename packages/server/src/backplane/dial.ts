import type { IncomingMessage } from "node:http";
import {
  isErrorCode,
  LINK_PROTOCOL_VERSION,
  type NodeInfo,
  type NodeStatus,
} from "@websocket-center/protocol";
import { WebSocket } from "ws";
import { CenterError } from "../errors.js";
import { encodeLinkFrame } from "../wire/codec.js";
import {
  createNonce,
  decodeHandshake,
  HANDSHAKE_TIMEOUT_MS,
  isProven,
  type Meeting,
  outOfTurn,
  prove,
  REFUSAL_HEADER,
} from "./handshake.js";
import { LinkSocket, MAX_LINK_MESSAGE_BYTES } from "./link-socket.js";

export interface DialOptions {
  host: string;
  port: number;
  nodeId: string;
  /** The largest frame that the node takes in. */
  maxFrameBytes?: number | undefined;
  secrets: readonly string[];
  info: () => NodeInfo;
  status: () => NodeStatus;
  tls: LinkTls | undefined;
  checkHost: (host: string) => void;
  /** Whether that center is linked already. */
  isTwin: (centerId: string) => boolean;
  signal: AbortSignal;
}

/** PEM: of a private certificate authority, and of a certificate to show with its key. */
export interface LinkTls {
  ca: string | undefined;
  own: { cert: string; key: string } | undefined;
}

/** How much of a center's reason is repeated in a message. */
const MAX_REFUSAL_LENGTH = 500;

/** A link whose both ends have proven themselves. */
export interface Dialed {
  centerId: string;
  /** The IP address that the center's host led to. */
  remoteHost: string | undefined;
  /** The largest frame that the center takes in, where it names one. */
  maxFrameBytes: number | undefined;
  link: LinkSocket;
  /** Delivers what came right behind the handshake, once the link's `onFrame` is set. */
  replay: () => void;
}

/** The center at that address is linked through another one. */
export class TwinError extends CenterError {
  readonly centerId: string;

  constructor(centerId: string) {
    super("LINK_LOST", "this center is linked through another address");
    this.centerId = centerId;
  }
}

/**
 * Dials a center and goes through the handshake, in at most 10 s. The center proves itself first: a node says
 * nothing of itself to somebody who does not know the secret.
 * @throws CenterError LINK_LOST, LINK_UNTRUSTED, LINK_AUTH_FAILED, LINK_CERT_REFUSED, LINK_VERSION, LINK_PROTOCOL,
 *   NODE_KEY_TAKEN, or TwinError.
 */
export async function dial(options: DialOptions): Promise<Dialed> {
  const { host, port, tls, signal } = options;
  options.checkHost(host);
  const url = `${tls === undefined ? "ws" : "wss"}://${host.includes(":") ? `[${host}]` : host}:${port}/link`;
  const webSocket = new WebSocket(url, {
    perMessageDeflate: false,
    maxPayload: MAX_LINK_MESSAGE_BYTES,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    ...(tls?.ca === undefined ? {} : { ca: tls.ca }),
    ...tls?.own,
  });
  let remoteHost: string | undefined;
  let code: string | undefined;
  webSocket.once("upgrade", ({ socket }) => (remoteHost = socket.remoteAddress));
  // Before the link hears of it, which then ends.
  webSocket.once("error", (error: NodeJS.ErrnoException) => (code = error.code));
  const link = new LinkSocket(webSocket);
  const meeting: Meeting = {
    nodeId: options.nodeId,
    centerId: "",
    nodeNonce: createNonce(),
    centerNonce: "",
    peerMaxFrameBytes: undefined,
  };
  webSocket.once("open", () => {
    const hello = {
      version: LINK_PROTOCOL_VERSION,
      role: "node" as const,
      id: meeting.nodeId,
      nonce: meeting.nodeNonce,
      maxFrameBytes: options.maxFrameBytes,
    };
    link.send(encodeLinkFrame(["hello", hello]));
  });
  return new Promise<Dialed>((resolve, reject) => {
    const fail = (error: CenterError): void => {
      over();
      reject(error);
      if (error instanceof TwinError) void link.close(1000, error.message);
      else link.terminate(error.message);
    };
    const onAbort = (): void => fail(new CenterError("ABORTED", "dialling was given up"));
    const timer = setTimeout(
      () => fail(new CenterError("LINK_LOST", "the handshake took too long")),
      HANDSHAKE_TIMEOUT_MS,
    );
    const over = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    webSocket.once("unexpected-response", (_request, response) => {
      fail(refusalOf(response));
    });
    link.onClose = (reason) => fail(endOf(reason, code, tls !== undefined));
    link.onFrame = (bytes) => {
      try {
        if (step(options, meeting, link, bytes) === "done") {
          over();
          const { centerId, peerMaxFrameBytes: maxFrameBytes } = meeting;
          resolve({ centerId, remoteHost, maxFrameBytes, link, replay: holdFrames(link) });
        }
      } catch (error) {
        fail(
          error instanceof CenterError ? error : new CenterError("INTERNAL", String(error), { cause: error }),
        );
      }
    };
  });
}

/** Why a center refused the upgrade; its word is believed as far as TLS proves who it is. */
function refusalOf({ headers, statusCode }: IncomingMessage): CenterError {
  const refusal = String(headers[REFUSAL_HEADER] ?? "");
  if (refusal.startsWith("LINK_CERT_REFUSED ")) {
    const why = refusal.slice("LINK_CERT_REFUSED ".length, MAX_REFUSAL_LENGTH);
    return new CenterError("LINK_CERT_REFUSED", `refused by the center: ${why}`);
  }
  const text = `HTTP status ${statusCode} instead of a link: is that the center's link port?`;
  return new CenterError("LINK_LOST", text);
}

/** Why a link ended before it was one; where the two ends seem to differ about TLS, with what to set. */
function endOf(reason: string, code: string | undefined, usesTls: boolean): CenterError {
  if (isUntrusted(code)) {
    return new CenterError("LINK_UNTRUSTED", `the TLS certificate of the center is not trusted: ${reason}`);
  }
  if (!usesTls && code === "ECONNRESET") {
    const hint = "where that link port has TLS, set WSC_LINK_TLS_CA (or WSC_LINK_TLS=1) at the node";
    return new CenterError("LINK_LOST", `${reason}; ${hint}`);
  }
  if (usesTls && code === "EPROTO") {
    const hint = "does that link port have TLS (WSC_LINK_TLS_CERT at the center)?";
    return new CenterError("LINK_LOST", `${reason.trim()}; ${hint}`);
  }
  return new CenterError("LINK_LOST", reason);
}

/** Whether that is how Node.js names what it does not like about a certificate (tls, "X509 certificate error codes"). */
function isUntrusted(code: string | undefined): boolean {
  return /^(?!.*ALERT).*(?:CERT|CRL)|^UNABLE_TO_|^INVALID_(?:CA|PURPOSE)$|^PATH_LENGTH_|^HOSTNAME_MISMATCH$/.test(
    code ?? "",
  );
}

/** One frame of the center's side of the handshake. */
function step(
  options: DialOptions,
  meeting: Meeting,
  link: LinkSocket,
  bytes: Uint8Array,
): "done" | "going on" {
  const frame = decodeHandshake(bytes, "center");
  switch (frame[0]) {
    case "hello": {
      if (meeting.centerId !== "" || frame[1].role !== "center") throw outOfTurn();
      meeting.centerId = frame[1].id;
      meeting.centerNonce = frame[1].nonce;
      meeting.peerMaxFrameBytes = frame[1].maxFrameBytes;
      if (!isProven(options.secrets, "center", meeting, frame[1].proof)) {
        throw new CenterError(
          "LINK_AUTH_FAILED",
          "the center does not know the link secret (WSC_LINK_SECRET) of this node",
        );
      }
      if (options.isTwin(meeting.centerId)) throw new TwinError(meeting.centerId);
      const proof = prove(options.secrets, "node", meeting);
      link.send(encodeLinkFrame(["auth", { proof, info: options.info(), status: options.status() }]));
      return "going on";
    }
    case "refuse": {
      const [, code, message] = frame;
      throw new CenterError(isErrorCode(code) ? code : "LINK_LOST", `refused by the center: ${message}`);
    }
    case "welcome":
      if (meeting.centerId === "") throw outOfTurn();
      return "done";
    default:
      throw outOfTurn();
  }
}

/** Keeps the frames that arrive until somebody listens: the promise's reader comes a moment later. */
function holdFrames(link: LinkSocket): () => void {
  const held: Uint8Array[] = [];
  link.onFrame = (frame) => held.push(frame);
  return () => {
    for (const frame of held) link.onFrame(frame);
  };
}
