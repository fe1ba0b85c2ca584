/**
 * The values of an NDJSON body, as they come. Empty lines, which show that a stream lives, are left out.
 * @param onBytes - called for whatever comes.
 */
export async function* jsonLines(
  body: ReadableStream<Uint8Array>,
  onBytes: () => void,
): AsyncGenerator<unknown, void> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onBytes();
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line !== "") yield JSON.parse(line);
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
