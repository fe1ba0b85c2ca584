import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import {
  closeCodes,
  type ErrorCode,
  type FrameOf,
  LINK_PROTOCOL_VERSION,
  nodeKeyOf,
} from "@websocket-center/protocol";
import { type WebSocket, WebSocketServer } from "ws";
import { CenterError } from "../errors.js";
import { encodeLinkFrame } from "../wire/codec.js";
import type { Member } from "./backplane.js";
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
import { Handshakes } from "./handshakes.js";
import { LinkBackplane } from "./link-backplane.js";
import { LinkSocket, MAX_LINK_MESSAGE_BYTES } from "./link-socket.js";

/** Handshakes under way at once. */
const MAX_HANDSHAKES = 1000;

export interface ListenerOptions {
  centerId: string;
  /** The largest frame that the center takes in; nodes are told. */
  maxFrameBytes?: number;
  /** Accepted link secrets, the first proves; none where links need no secret. */
  secrets: readonly string[];
  /** Whether nodes must show a certificate that the server's authority signed. Default: false. */
  asksForCertificates?: boolean;
  /** A peer that was not let in, and why. Nothing of what it sent is in the text. */
  onRefused: (address: string, error: CenterError) => void;
}

/** The center's end of the `websocket` backplane: nodes dial in, and are members once both ends have proven themselves. */
export class WebSocketListener extends LinkBackplane {
  readonly #options: ListenerOptions;
  readonly #server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MAX_LINK_MESSAGE_BYTES,
  });
  readonly #handshakes = new Handshakes(MAX_HANDSHAKES);
  #closed = false;

  constructor(options: ListenerOptions) {
    super();
    this.#options = options;
  }

  /** Takes an upgrade request of a server that the caller owns. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    const refusal = this.#refusal(request);
    if (refusal !== undefined) {
      const { status, error } = refusal;
      this.#options.onRefused(request.socket.remoteAddress ?? "", error);
      // A peer that keeps its own end open must not keep the socket.
      socket.once("finish", () => socket.destroy());
      // Here, and not by an alert: with TLS 1.3 a client believes its handshake to be over before it hears of one.
      socket.end(
        `HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n` +
          `${REFUSAL_HEADER}: ${error.code} ${error.message}\r\n\r\n`,
      );
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (webSocket) =>
      this.#welcome(webSocket, socket, request),
    );
  }

  /** Ends every link with 1012; nodes dial again as soon as somebody listens. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const link of this.#handshakes.all()) link.terminate("the center stops");
    await this.partAll(1012, "the center stops");
    this.#server.close();
  }

  #refusal(request: IncomingMessage): { status: number; error: CenterError } | undefined {
    const refuse = (status: number) => ({
      status,
      error: new CenterError("LINK_PROTOCOL", `refused with HTTP status ${status}`),
    });
    // Browsers send an Origin with every WebSocket: no page may speak to a link port, whatever it knows.
    if (request.headers.origin !== undefined) return refuse(403);
    if (this.#closed) return refuse(503);
    const problem = this.#options.asksForCertificates === true ? certificateProblem(request) : undefined;
    if (problem === undefined) return undefined;
    return { status: 403, error: new CenterError("LINK_CERT_REFUSED", problem) };
  }

  #welcome(webSocket: WebSocket, socket: Duplex, request: IncomingMessage): void {
    const { remoteAddress: host = "", remotePort: port = "" } = request.socket;
    const address = `${host}:${port}`;
    const link = new LinkSocket(webSocket, socket);
    const timer = setTimeout(() => {
      over();
      this.#refuse(link, address, new CenterError("LINK_PROTOCOL", "the handshake took too long"));
    }, HANDSHAKE_TIMEOUT_MS);
    /** @returns false where it was over before. */
    const over = (): boolean => {
      clearTimeout(timer);
      return this.#handshakes.remove(host, link);
    };
    let greeted: { meeting: Meeting } | undefined;
    link.onClose = (reason, code) => {
      if (!over()) return;
      // A node that has this center by another address changes its mind in good order.
      if (code === closeCodes.NORMAL.code) return;
      this.#options.onRefused(
        address,
        new CenterError("LINK_PROTOCOL", `the handshake was not finished: ${reason}`),
      );
    };
    link.onFrame = (bytes) => {
      try {
        const frame = decodeHandshake(bytes, "node");
        if (greeted === undefined) {
          if (frame[0] !== "hello" || frame[1].role !== "node") throw outOfTurn();
          greeted = { meeting: this.#greet(link, frame) };
          return;
        }
        if (frame[0] !== "auth") throw outOfTurn();
        this.#checkProof(greeted.meeting, frame);
        over();
        this.#join(link, greeted.meeting, { address, certificate: subjectOf(request) }, frame);
      } catch (error) {
        over();
        const fault =
          error instanceof CenterError
            ? error
            : new CenterError("INTERNAL", "handshake failed", { cause: error });
        this.#refuse(link, address, fault);
      }
    };
    this.#handshakes
      .add(host, link)
      ?.terminate(`${MAX_HANDSHAKES} handshakes are under way, and it was the oldest`);
  }

  #greet(link: LinkSocket, [, hello]: FrameOf<"hello">): Meeting {
    const { centerId, maxFrameBytes, secrets } = this.#options;
    const meeting: Meeting = {
      nodeId: hello.id,
      centerId,
      nodeNonce: hello.nonce,
      centerNonce: createNonce(),
      peerMaxFrameBytes: hello.maxFrameBytes,
    };
    link.send(
      encodeLinkFrame([
        "hello",
        {
          version: LINK_PROTOCOL_VERSION,
          role: "center",
          id: centerId,
          nonce: meeting.centerNonce,
          proof: prove(secrets, "center", meeting),
          maxFrameBytes,
        },
      ]),
    );
    return meeting;
  }

  /** @throws CenterError LINK_AUTH_FAILED or NODE_KEY_TAKEN */
  #checkProof(meeting: Meeting, [, { proof }]: FrameOf<"auth">): void {
    const { nodeId } = meeting;
    if (!isProven(this.#options.secrets, "node", meeting, proof)) {
      throw new CenterError(
        "LINK_AUTH_FAILED",
        "the node does not know the link secret (WSC_LINK_SECRET) of this center",
      );
    }
    for (const member of this.members()) {
      if (member.id !== nodeId && nodeKeyOf(member.id) === nodeKeyOf(nodeId)) {
        throw new CenterError("NODE_KEY_TAKEN", `another living node has the key ${nodeKeyOf(nodeId)}`);
      }
    }
  }

  #join(
    link: LinkSocket,
    meeting: Meeting,
    from: Pick<Member, "address" | "certificate">,
    [, { info, status }]: FrameOf<"auth">,
  ): void {
    const { nodeId, peerMaxFrameBytes: maxFrameBytes = Infinity } = meeting;
    const old = this.memberOf(nodeId);
    if (old !== undefined) this.end(old, "replaced by a new link of the same node");
    const member: Member = { id: nodeId, ...from, node: { info, status }, maxFrameBytes };
    link.send(encodeLinkFrame(["welcome"]));
    this.join(member, link);
  }

  #refuse(link: LinkSocket, address: string, error: CenterError): void {
    this.#options.onRefused(address, error);
    const { code, message } = error;
    // Who spoke no protocol of ours is told nothing: only a peer that greeted can read a refusal.
    if (code !== "LINK_PROTOCOL") link.send(encodeLinkFrame(["refuse", code satisfies ErrorCode, message]));
    void link.close(1008, message.slice(0, 100));
  }
}

/** Why the peer's certificate will not do; undefined where it will. */
function certificateProblem({ socket }: IncomingMessage): string | undefined {
  // First of all: a session without a certificate that is taken up again counts as authorized (TLS 1.3).
  if (!(socket instanceof TLSSocket) || Object.keys(socket.getPeerCertificate()).length === 0) {
    return "the node showed no certificate: set WSC_LINK_TLS_CERT and WSC_LINK_TLS_KEY at the node";
  }
  if (socket.authorized) return undefined;
  const reason = socket.authorizationError;
  return `the node's certificate is not one of the center's authority (WSC_LINK_TLS_CLIENT_CA), or not valid: ${String(reason)}`;
}

/** The common name in the certificate that the peer showed. */
function subjectOf({ socket }: IncomingMessage): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const name: string | string[] | undefined = socket.getPeerCertificate().subject?.CN;
  return Array.isArray(name) ? name.join(", ") : name;
}
