/** Headers of an answer in lines of JSON that come as they are made: no proxy shall gather them. */
export function streamHeaders(
  callId: string,
  cors: Readonly<Record<string, string>>,
): Record<string, string> {
  return {
    "Content-Type": "application/x-ndjson",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Accel-Buffering": "no",
    "WSC-Call-Id": callId,
    ...cors,
  };
}
