/** Why a request to a center gave no result. `code` is stable: of the center's problem document, or one of these. */
export class CallFailure extends Error {
  override readonly name = "CallFailure";
  /** A code of the center's, or `UNREACHABLE` where no center answered, or `BAD_ANSWER` for what is no answer of ours. */
  readonly code: string;
  /** 0 where there was no answer. */
  readonly status: number;
  /** To be looked up in traces; undefined where there was no answer. */
  readonly callId: string | undefined;
  /** The whole problem document; empty where there was none. */
  readonly problem: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    status: number,
    message: string,
    more: { callId?: string | undefined; problem?: Readonly<Record<string, unknown>>; cause?: unknown } = {},
  ) {
    super(message, { cause: more.cause });
    this.code = code;
    this.status = status;
    this.callId = more.callId;
    this.problem = more.problem ?? {};
  }
}

/** The failure that an answer tells of: a problem document (RFC 9457), or whatever a proxy made of it. */
export async function failureOf(response: Response): Promise<CallFailure> {
  const callId = response.headers.get("WSC-Call-Id") ?? undefined;
  const text = await response.text().catch(() => "");
  try {
    const problem = JSON.parse(text) as Record<string, unknown>;
    const { code, detail, title } = problem;
    if (typeof code === "string") {
      const message = typeof detail === "string" ? detail : typeof title === "string" ? title : code;
      return new CallFailure(code, response.status, message, { callId, problem });
    }
  } catch {
    // Not of ours: a proxy answered.
  }
  return new CallFailure(
    "BAD_ANSWER",
    response.status,
    `HTTP ${response.status} ${response.statusText}`.trim(),
    { callId },
  );
}
