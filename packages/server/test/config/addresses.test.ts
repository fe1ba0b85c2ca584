import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  canonicalAddress,
  formatAddress,
  isAddress,
  isAddressRange,
  isHost,
  parseAddress,
} from "../../src/config/addresses.js";

describe("addresses", () => {
  test.each([
    ["8010", { port: 8010 }],
    [" 8010 ", { port: 8010 }],
    ["example.com:1", { host: "example.com", port: 1 }],
    ["Example.COM:80", { host: "example.com", port: 80 }],
    ["center_1:8010", { host: "center_1", port: 8010 }],
    ["10.0.0.1:65535", { host: "10.0.0.1", port: 65_535 }],
    ["[::1]:8010", { host: "::1", port: 8010 }],
    ["[2001:DB8::1]:8010", { host: "2001:db8::1", port: 8010 }],
  ])("%j is read", (text, address) => {
    expect(parseAddress(text)).toEqual(address);
  });

  test.each([
    "",
    "0",
    "65536",
    "-1",
    "80a",
    "host",
    "host:",
    ":8010",
    "host:0",
    "host:80:90",
    "::1:8010",
    "[::1]",
    "[host]:80",
    "[10.0.0.1]:80",
    "[fe80::1%eth0]:80",
    "999.0.0.1:80",
    "ws://host:80",
    "user@host:80",
    "ho st:80",
    "host/path:80",
  ])("%j is refused", (text) => {
    expect(() => parseAddress(text)).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        message: expect.stringContaining(JSON.stringify(text)),
      }),
    );
  });

  test("what is formatted is read back", () => {
    const host = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6().map(toLowerCase), fc.constant(undefined));
    fc.assert(
      fc.property(host, fc.integer({ min: 1, max: 65_535 }), (given, port) => {
        const address = given === undefined ? { port } : { host: toLowerCase(given), port };
        expect(parseAddress(formatAddress(address))).toEqual(address);
      }),
    );
  });

  test("a host has no brackets, port, scheme or zone", () => {
    expect(["a", "a.b", "10.0.0.1", "::", "bücher.example"].filter(isHost)).toHaveLength(5);
    expect(["", "[::1]", "a:1", "ws://a", "fe80::1%eth0", "a b", "-a"].filter(isHost)).toEqual([]);
  });

  test("a range is an IP address, or one with a prefix that fits", () => {
    const right = ["10.0.0.1", "10.0.0.0/8", "0.0.0.0/0", "::1", "fd00::/8", "::/128"];
    const wrong = [
      "",
      "10.0.0.0/33",
      "10.0.0.0/",
      "10.0.0/8",
      "::/129",
      "host/8",
      "10.0.0.0/8/8",
      "10.0.0.0/-1",
    ];
    expect(right.filter(isAddressRange)).toEqual(right);
    expect(wrong.filter(isAddressRange)).toEqual([]);
  });
});

function toLowerCase(text: string): string {
  return text.toLowerCase();
}

describe("spellings of an address", () => {
  test.each([
    [
      [
        "127.0.0.1:8010",
        "localhost:8010",
        "LOCALHOST:8010",
        "localhost.:8010",
        "[::ffff:127.0.0.1]:8010",
        "127.1:8010",
      ],
    ],
    [["[2001:db8::1]:1", "[2001:DB8:0:0:0:0:0:1]:1", "[2001:0db8::0001]:1"]],
    [["[::1]:1", "[0:0:0:0:0:0:0:1]:1"]],
    [["center.example:1", "Center.Example:1", "center.example.:1"]],
    [["8010", " 8010 "]],
  ])("%j are one", (spellings) => {
    expect(new Set(spellings.map((text) => canonicalAddress(parseAddress(text)))).size).toBe(1);
  });

  test("different addresses stay different", () => {
    const texts = [
      "127.0.0.1:1",
      "127.0.0.1:2",
      "127.0.0.2:1",
      "[::1]:1",
      "[::ffff:10.0.0.1]:1",
      "a:1",
      "b:1",
      "1",
    ];
    expect(new Set(texts.map((text) => canonicalAddress(parseAddress(text)))).size).toBe(texts.length);
  });

  test("a host has 253 characters at most", () => {
    expect(isAddress(`${"a".repeat(253)}:1`)).toBe(true);
    expect(isAddress(`${"a".repeat(254)}:1`)).toBe(false);
  });
});
