import { randomFillSync } from "node:crypto";
import { STATUS_CODES } from "node:http";

export const JSON_TYPE = "application/json; charset=utf-8";

/** The classic API's failure of a whole request, or of one event at one node. */
export interface ClassicFailure {
  code: 1;
  msg: string;
  data: [];
}

export function classicFailure(message: string): ClassicFailure {
  return { code: 1, msg: message, data: [] };
}

export function failureText(message: string): string {
  return JSON.stringify(classicFailure(message));
}

const CALL_ID_BYTES = 8;
const randomBytes = Buffer.alloc(CALL_ID_BYTES * 256);
let randomUsed = randomBytes.length;

/** A random call id of 16 hex characters. Unique enough to find a call in logs; no secret. */
export function newCallId(): string {
  if (randomUsed === randomBytes.length) {
    randomFillSync(randomBytes);
    randomUsed = 0;
  }
  randomUsed += CALL_ID_BYTES;
  return randomBytes.toString("hex", randomUsed - CALL_ID_BYTES, randomUsed);
}

/** As much of node:http's ServerResponse as answers need. */
export interface ApiResponse {
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  readonly writableFinished: boolean;
  readonly destroyed: boolean;
  writeHead(status: number, headers: Readonly<Record<string, string | number>>): unknown;
  /** Gives a whole answer whose header fields are text already: where it is there, it costs less. None is there twice. */
  readonly answer?: (status: number, fields: string, body: string | Uint8Array) => void;
  end(body?: string | Uint8Array): unknown;
  once(event: "close", listener: () => void): unknown;
  destroy(): unknown;
}

export interface Answer {
  status: number;
  contentType: string;
  body: string | Uint8Array;
  /** Further headers; they win over those that every answer has. */
  headers?: Readonly<Record<string, string>>;
}

export function json(status: number, value: unknown): Answer {
  return { status, contentType: JSON_TYPE, body: JSON.stringify(value) };
}

/** A problem document (RFC 9457) of an endpoint of our own; `code` is stable. `more`: further members of it. */
export function problem(status: number, code: string, detail: string, more: object = {}): Answer {
  const title = STATUS_CODES[status] ?? "";
  const body = JSON.stringify({ type: "about:blank", title, status, detail, code, ...more });
  return { status, contentType: "application/problem+json; charset=utf-8", body };
}

/** Whether an answer can still be given: none was begun, and the caller is there. */
export function canAnswer(res: ApiResponse): boolean {
  return !res.headersSent && !res.writableEnded && !res.destroyed;
}

/** Writes status and headers. The caller of this function writes `answer.body`. */
export function writeAnswerHead(res: ApiResponse, callId: string, answer: Answer): void {
  const { body, status } = answer;
  const headers: Record<string, string | number> = {
    "Content-Type": answer.contentType,
    "Content-Length": lengthOf(body),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "WSC-Call-Id": callId,
    ...answer.headers,
  };
  // In a 304 it would be that of what is not sent (RFC 9110, 8.6).
  if (status === 304) delete headers["Content-Length"];
  res.writeHead(status, headers);
}

/** Gives the answer; for HEAD, node:http leaves the body out and keeps the headers. */
export function sendAnswer(res: ApiResponse, callId: string, answer: Answer): void {
  if (!canAnswer(res)) return;
  if (res.answer === undefined) {
    writeAnswerHead(res, callId, answer);
    res.end(answer.body);
  } else {
    res.answer(answer.status, fieldsOf(callId, answer), answer.body);
  }
}

/** The same as `writeAnswerHead` writes, as text. */
function fieldsOf(callId: string, { contentType, body, headers }: Answer): string {
  let text = `Content-Type: ${contentType}\r\nContent-Length: ${lengthOf(body)}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nWSC-Call-Id: ${callId}\r\n`;
  for (const name in headers) text += `${name}: ${headers[name] ?? ""}\r\n`;
  return text;
}

function lengthOf(body: string | Uint8Array): number {
  return typeof body === "string" ? Buffer.byteLength(body) : body.byteLength;
}

/** Answers without a body and without `Content-Length` (RFC 9110, 8.6). */
export function sendNoContent(res: ApiResponse, callId: string, headers: Record<string, string>): void {
  if (!canAnswer(res)) return;
  res.writeHead(204, { "Cache-Control": "no-store", "WSC-Call-Id": callId, ...headers });
  res.end();
}
