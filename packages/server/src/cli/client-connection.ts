import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import { z } from "zod";
import { parseJson } from "./center-client.js";
import { reasonOf } from "./http-request.js";
import { printable } from "./table.js";

/** How often a node is pinged, and has to answer: so that a network that is lost in silence is noticed. */
const PING_MS = 25_000;
const CLOSE_TIMEOUT_MS = 1000;
const SHOWN_REASON_LENGTH = 200;

/**
 * How a connection ended. `refused`: the node answered the handshake with an HTTP status; `unreachable`: nothing did;
 * `closed`: it was open. Texts are for people.
 */
export type Ending =
  | { kind: "refused"; status: number; reason: string; retryAfterMs: number | undefined }
  | { kind: "unreachable"; reason: string }
  | { kind: "closed"; code: number; reason: string };

export interface ClientHandlers {
  /** The handshake is done. */
  onOpen(): void;
  /** The first message where it is the node's open frame, which is told here alone. */
  onOpenFrame(connectionId: string): void;
  /** Every other message. */
  onMessage(data: Buffer, isBinary: boolean): void;
}

/** One connection to a node. */
export class ClientConnection {
  readonly ended: Promise<Ending>;
  readonly #webSocket: WebSocket;
  #ending: Ending | undefined;

  constructor(url: URL, handlers: ClientHandlers, handshakeTimeoutMs: number) {
    const webSocket = new WebSocket(url, { handshakeTimeout: handshakeTimeoutMs });
    this.#webSocket = webSocket;
    let isFirst = true;
    let isAnswered = true;
    let timer: NodeJS.Timeout | undefined;
    webSocket.on("open", () => {
      timer = setInterval(() => {
        if (!isAnswered) webSocket.terminate();
        isAnswered = false;
        if (webSocket.readyState === WebSocket.OPEN) webSocket.ping();
      }, PING_MS);
      handlers.onOpen();
    });
    webSocket.on("pong", () => {
      isAnswered = true;
    });
    webSocket.on("message", (data, isBinary) => {
      if (!Buffer.isBuffer(data)) return;
      const connectionId = isFirst && !isBinary ? connectionIdOf(data) : undefined;
      isFirst = false;
      if (connectionId === undefined) handlers.onMessage(data, isBinary);
      else handlers.onOpenFrame(connectionId);
    });
    this.ended = new Promise((resolve) => {
      webSocket.on("unexpected-response", (_request, response) => {
        void readRefusal(response).then((refusal) => {
          this.#ending = refusal;
          webSocket.terminate();
        });
      });
      webSocket.on("error", (error) => {
        this.#ending ??= { kind: "unreachable", reason: reasonOf(error) };
      });
      webSocket.on("close", (code, reason) => {
        clearInterval(timer);
        const closed: Ending = { kind: "closed", code, reason: printable(reason.toString()) };
        resolve(timer === undefined ? (this.#ending ?? closed) : closed);
      });
    });
  }

  /** Closes it with 1000; resolves when it has ended, at once where the node does not answer. */
  async close(): Promise<void> {
    const timer = setTimeout(() => this.#webSocket.terminate(), CLOSE_TIMEOUT_MS);
    this.#webSocket.close(1000);
    await this.ended;
    clearTimeout(timer);
  }
}

const openFrame = z.strictObject({ cmd: z.literal("open"), _id: z.string() });

function connectionIdOf(data: Buffer): string | undefined {
  return openFrame.safeParse(parseJson(data.toString())).data?._id;
}

async function readRefusal(response: IncomingMessage): Promise<Ending> {
  const { statusCode: status = 0, headers } = response;
  const seconds = Number(headers["retry-after"]);
  let text = "";
  try {
    for await (const chunk of response) {
      text += String(chunk);
      if (text.length > SHOWN_REASON_LENGTH) break;
    }
  } catch {
    // The status alone says enough.
  }
  const isHttp = status >= 200 && status < 300;
  const reason = isHttp
    ? "that answers HTTP and takes no WebSocket: give the client port of a node"
    : printable(text.trim().slice(0, SHOWN_REASON_LENGTH));
  const retryAfterMs = seconds > 0 ? seconds * 1000 : undefined;
  return { kind: "refused", status, reason, retryAfterMs };
}
