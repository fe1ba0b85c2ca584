import { type Agent, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { messageOf } from "../errors.js";

export interface HttpAnswer {
  status: number;
  text: string;
}

/** There was no whole answer. The message completes "... : ", for people. */
export class NoAnswer extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "NoAnswer";
  }
}

/**
 * One request, on a connection of its own unless an agent keeps some. Redirects are not followed: the token is for this address alone.
 *
 * @throws NoAnswer
 */
export function requestText(
  url: URL,
  options: {
    body?: string | undefined;
    token?: string | undefined;
    timeoutMs: number;
    agent?: Agent | undefined;
  },
): Promise<HttpAnswer> {
  const { body, token, timeoutMs, agent = false } = options;
  const headers: Record<string, string> = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  // Header bytes are latin1; the server reads them as UTF-8.
  if (token !== undefined)
    headers["Authorization"] = `Bearer ${Buffer.from(token, "utf8").toString("latin1")}`;
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const fail = (error: unknown): void => {
      const text = signal.aborted ? `it gave no answer in ${timeoutMs} ms` : reasonOf(error);
      reject(new NoAnswer(text, error));
    };
    const method = body === undefined ? "GET" : "POST";
    const sent = request(url, { method, headers, agent, signal }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", fail);
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
      );
    });
    sent.on("error", fail);
    // As bytes: a text would go out in one piece with the head, and in its encoding.
    sent.end(body === undefined ? undefined : Buffer.from(body));
  });
}

const reasons: Record<string, string> = {
  ECONNREFUSED: "nothing listens there",
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "its name cannot be looked up now",
  EHOSTUNREACH: "there is no way to that host",
  ENETUNREACH: "there is no way to that network",
  ECONNRESET: "it ended the connection",
  EPROTO: "it does not speak TLS (http:// instead of https://, or ws:// instead of wss://?)",
  HPE_INVALID_CONSTANT: "it does not speak HTTP (https:// instead of http://?)",
};

/** Why a connection came to nothing; for people. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const reason = reasons[code];
  if (reason !== undefined) return reason;
  const message = messageOf(error);
  const isCertificate = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code);
  if (isCertificate) return `${message} (NODE_EXTRA_CA_CERTS names the file of a private authority)`;
  return message === "" ? code : message;
}
