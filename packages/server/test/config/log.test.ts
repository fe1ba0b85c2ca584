import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CenterError } from "../../src/errors.js";
import { createLogLimiter } from "../../src/log-limiter.js";
import { createLogger, createSilentLogger, type Logger, type LogSettings } from "../../src/log.js";

type Line = Record<string, unknown>;

/** A logger, and the lines that it wrote so far. */
function recorded(format: LogSettings["format"] = "json"): {
  log: Logger;
  text: () => string;
  lines: () => Line[];
} {
  let text = "";
  const stream = { write: (chunk: string) => void (text += chunk) };
  return {
    log: createLogger({ level: "info", format, name: "test", stream }),
    text: () => text,
    lines: () =>
      text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Line),
  };
}

describe("the log", () => {
  test("is a JSON object a line, with level by name, time in ISO 8601, and the causes of errors", () => {
    const { log, lines } = recorded();
    log.debug("not written");
    const cause = new Error("the cause");
    log.warn({ err: new CenterError("LINK_LOST", "the link ended", { cause }) }, "hello");
    expect(lines()).toHaveLength(1);
    expect(lines()[0]).toMatchObject({
      level: "warn",
      name: "test",
      msg: "hello",
      err: { code: "LINK_LOST" },
    });
    expect(JSON.stringify(lines()[0])).toContain("the cause");
    expect(lines()[0]?.["time"]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  test("is text for people where that is asked for, and is out at once", () => {
    const { log, text } = recorded("pretty");
    log.info({ port: 8090 }, "hello");
    expect(text()).toMatch(/INFO.*test.*hello/);
    expect(text()).toMatch(/port.*8090/);
  });

  test("can be silent", () => {
    expect(createSilentLogger().isLevelEnabled("fatal")).toBe(false);
  });
});

describe("the log limiter", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("writes some lines a key, then one summary for the rest of the interval, and then starts anew", () => {
    const { log, lines } = recorded();
    const limiter = createLogLimiter(log, { maxLines: 2 });
    for (let i = 0; i < 5; i++) limiter.log("warn", "slow", { i }, "a slow consumer");
    limiter.log("error", "other", {}, "something else");
    expect(lines().map(({ msg }) => msg)).toEqual(["a slow consumer", "a slow consumer", "something else"]);
    vi.advanceTimersByTime(10_000);
    expect(lines().slice(3)).toEqual([
      expect.objectContaining({
        level: "warn",
        key: "slow",
        suppressed: 3,
        msg: "3 more like this were not logged: a slow consumer",
      }),
    ]);
    limiter.log("warn", "slow", {}, "again");
    expect(lines().at(-1)).toMatchObject({ msg: "again" });
    limiter.close();
  });

  test("writes what is due when it is closed, and leaves no timer", () => {
    const { log, lines } = recorded();
    const limiter = createLogLimiter(log, { maxLines: 1 });
    limiter.log("warn", "a", {}, "a");
    limiter.log("warn", "a", {}, "a");
    limiter.close();
    expect(lines().map(({ msg }) => msg)).toEqual(["a", "1 more like this were not logged: a"]);
    expect(vi.getTimerCount()).toBe(0);
    limiter.log("warn", "a", {}, "late");
    expect(lines().at(-1)).toMatchObject({ msg: "late" });
    expect(vi.getTimerCount()).toBe(0);
  });

  test("counts a bounded number of keys, the others together", () => {
    const { log, lines } = recorded();
    const limiter = createLogLimiter(log, { maxLines: 1, maxKeys: 2 });
    for (const key of ["a", "b", "c", "d", "e"]) limiter.log("warn", key, {}, key);
    expect(lines().map(({ msg }) => msg)).toEqual(["a", "b", "c"]);
    limiter.close();
    expect(lines().at(-1)).toMatchObject({ suppressed: 2 });
  });
});
