import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LiveFeed } from "../src/api/live.js";
import { pause } from "../src/api/pause.js";
import { EventLog } from "../src/pages/log/event-log.js";
import { createCenterClient } from "./center-client.js";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  vi.stubGlobal("fetch", async () => {
    throw new TypeError("no center is here");
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a pause ends in time, or when it is aborted, and leaves nothing", async () => {
  const { signal } = new AbortController();
  const whole = pause(1000, signal);
  await vi.advanceTimersByTimeAsync(1000);
  await whole;
  const controller = new AbortController();
  const cut = pause(1000, controller.signal);
  controller.abort();
  await cut;
  await pause(1000, controller.signal);
  expect(vi.getTimerCount()).toBe(0);
});

test.each([
  ["the live log", EventLog, { state: "lost" }],
  ["the feed of each second", LiveFeed, { status: "lost" }],
])("%s that is closed does not wait for its next attempt", async (_name, Feed, lost) => {
  const feed = new Feed(createCenterClient());
  feed.start();
  await vi.waitFor(() => expect(feed.get()).toMatchObject(lost));
  expect(vi.getTimerCount()).toBe(1);
  feed.close();
  expect(vi.getTimerCount()).toBe(0);
});
