/** Resolves when it is called that `begin` is given, after `ms`, or when `signal` aborts. */
export async function waitFor(settings: {
  ms: number;
  signal: AbortSignal;
  begin: (done: () => void) => void;
}): Promise<void> {
  const { ms, signal, begin } = settings;
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    begin(done);
  });
}
