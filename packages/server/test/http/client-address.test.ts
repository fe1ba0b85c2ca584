import { describe, expect, test } from "vitest";
import { CenterError } from "../../src/errors.js";
import { createClientAddress } from "../../src/http/client-address.js";

const clientAddress = createClientAddress(["10.0.0.0/8", "fd00::/8", "203.0.113.7"]);

const from = (
  peer: string | undefined,
  headers: { xff?: string; forwarded?: string } = {},
  read = clientAddress,
) =>
  read({
    socket: { remoteAddress: peer },
    headers: {
      ...(headers.xff === undefined ? {} : { "x-forwarded-for": headers.xff }),
      ...(headers.forwarded === undefined ? {} : { forwarded: headers.forwarded }),
    },
  });

describe("without a trusted proxy in between", () => {
  test("the peer's address counts whatever the headers say", () => {
    expect(from("192.0.2.1", { xff: "198.51.100.1", forwarded: "for=198.51.100.1" })).toBe("192.0.2.1");
    expect(from("10.0.0.1", { xff: "198.51.100.1" }, createClientAddress([]))).toBe("10.0.0.1");
  });

  test("IPv4 in IPv6 is IPv4, and IPv6 is written in one way", () => {
    expect(from("::ffff:192.0.2.1")).toBe("192.0.2.1");
    expect(from("::FFFF:C000:0201")).toBe("192.0.2.1");
    expect(from("2001:DB8:0:0:0:0:0:1")).toBe("2001:db8::1");
    expect(from("fe80::1%eth0")).toBe("fe80::1");
  });

  test("a socket without an address is unknown", () => {
    expect(from(undefined, { xff: "198.51.100.1" })).toBe("unknown");
  });
});

describe("behind trusted proxies", () => {
  test.each([
    ["198.51.100.1", "198.51.100.1"],
    ["6.6.6.6, 198.51.100.1", "198.51.100.1"],
    ["198.51.100.1, 10.9.9.9, 203.0.113.7", "198.51.100.1"],
    ["198.51.100.1:4711,10.9.9.9:80", "198.51.100.1"],
    ["[2001:db8::1]:4711", "2001:db8::1"],
    ["2001:db8::1", "2001:db8::1"],
    ["::ffff:198.51.100.1", "198.51.100.1"],
    ["10.1.1.1, 10.2.2.2", "10.1.1.1"],
    ["198.51.100.1, fd00::5", "198.51.100.1"],
    ["unknown", "10.0.0.1"],
    ["", "10.0.0.1"],
    ["198.51.100.1, unknown, 10.5.5.5", "10.5.5.5"],
    ["198.51.100.1, 999.1.1.1", "10.0.0.1"],
  ])("X-Forwarded-For: %s", (xff, expected) => {
    expect(from("10.0.0.1", { xff })).toBe(expected);
    expect(from("::ffff:10.0.0.1", { xff })).toBe(expected);
  });

  test.each([
    ["for=198.51.100.1", "198.51.100.1"],
    ['FOR="198.51.100.1:80";proto=https;by=10.0.0.1', "198.51.100.1"],
    ['for="[2001:db8::1]:4711"', "2001:db8::1"],
    ['for="[2001:db8::1]"', "2001:db8::1"],
    ['for=6.6.6.6, for="198.51.100.1", for=10.2.2.2', "198.51.100.1"],
    ['host="a,b;c\\"d";for=198.51.100.1', "198.51.100.1"],
    ['for="\\1\\9\\8.51.100.1"', "198.51.100.1"],
    ["for=198.51.100.1, proto=https", "10.0.0.1"],
    ["for=_hidden", "10.0.0.1"],
    ["for=unknown", "10.0.0.1"],
    ['for="198.51.100.1', "10.0.0.1"],
    ["nonsense", "10.0.0.1"],
  ])("Forwarded: %s", (forwarded, expected) => {
    expect(from("10.0.0.1", { forwarded })).toBe(expected);
  });

  test("two headers that agree count, and two that do not leave the peer's address", () => {
    expect(from("10.0.0.1", { xff: "198.51.100.1", forwarded: "for=198.51.100.1" })).toBe("198.51.100.1");
    expect(from("10.0.0.1", { xff: "2001:db8:0::1", forwarded: 'for="[2001:db8::1]"' })).toBe("2001:db8::1");
    expect(from("10.0.0.1", { xff: "198.51.100.1", forwarded: "for=6.6.6.6" })).toBe("10.0.0.1");
    expect(from("10.0.0.1", { xff: "198.51.100.1", forwarded: "" })).toBe("10.0.0.1");
  });

  test("proxies given as IPv4 in IPv6 are IPv4 ones", () => {
    const read = createClientAddress(["::ffff:10.0.0.0/104", "::1"]);
    expect(from("10.200.0.1", { xff: "198.51.100.1" }, read)).toBe("198.51.100.1");
    expect(from("11.0.0.1", { xff: "198.51.100.1" }, read)).toBe("11.0.0.1");
    expect(from("::1", { xff: "198.51.100.1" }, read)).toBe("198.51.100.1");
  });
});

test.each([
  "",
  "example.com",
  "10.0.0.0/33",
  "10.0.0.0/",
  "10.0.0.0/-1",
  "10.0.0.0/8/8",
  "fd00::/129",
  "::ffff:1.2.3.4/95",
  "10.0/8",
])("%j is no trusted proxy", (entry) => {
  const create = () => createClientAddress(["10.0.0.1", entry]);
  expect(create).toThrow(CenterError);
  expect(create).toThrow(`trusted proxy "${entry}"`);
});
