import { expect, test } from "vitest";
import { isLoopbackHost } from "../../src/loopback.js";

test.each([
  "localhost",
  "LocalHost",
  "app.localhost",
  "a.b.localhost",
  "127.0.0.1",
  "127.255.0.9",
  "::1",
  "[::1]",
  "0:0:0:0:0:0:0:1",
  "::ffff:127.0.0.1",
])("%s is loopback", (host) => {
  expect(isLoopbackHost(host)).toBe(true);
});

test.each([
  "",
  "0.0.0.0",
  "::",
  "10.0.0.1",
  "128.0.0.1",
  "127.1",
  "127.0.0.1.example.com",
  "localhost.example.com",
  "notlocalhost",
  ".localhost",
  "localhost.",
  "::2",
  "::1%lo",
  "[127.0.0.1",
  "::ffff:10.0.0.1",
])("%j is not loopback", (host) => {
  expect(isLoopbackHost(host)).toBe(false);
});
