import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type LinkFrame, linkFrames, parseLinkFrame } from "../src/index.js";

const id = "0123456789abcdef0123456789abcdef";
const hex64 = "ab".repeat(32);
const info = { version: "1.0.0", publicUrl: "ws://127.0.0.1:8090", startedAt: 1 };
const status = { connections: 1, users: 2, groups: 3, draining: false };

const frames: LinkFrame[] = [
  ["hello", { version: 1, role: "node", id, nonce: hex64 }],
  ["hello", { version: 1, role: "center", id, nonce: hex64, proof: hex64 }],
  ["auth", { proof: hex64, info, status }],
  ["welcome"],
  ["refuse", "LINK_AUTH_FAILED", "no"],
  ["ping", 1],
  ["pong", 1, status, 3],
  ["interest", 1, { users: ["u"], groups: ["g"], goneUsers: ["v"], goneGroups: ["h"] }],
  ["interest", 2, { whole: true }],
  ["ack", 2],
  ["call", 1, "default", 5000, [["countUsers", {}]]],
  [
    "reply",
    1,
    [
      [true, 3],
      [false, "INTERNAL", "broken"],
      [true, null],
    ],
  ],
  ["cancel", 1],
  [
    "services",
    [
      {
        name: "rooms",
        metadata: { region: "eu" },
        methods: [{ name: "open", doc: "", scope: "read", params: {}, result: {} }],
      },
    ],
  ],
  ["request", 1, 5000, { kind: "commands", commands: [["countUsers", {}]] }],
  [
    "request",
    2,
    0,
    { kind: "service", service: "rooms", method: "open", params: {}, mode: "one", nodeId: id },
  ],
  ["answer", 1, [true, [id], [[[true, 3]]]]],
  ["answer", 2, [false, "UNKNOWN_SERVICE", "no node has it"]],
  ["members", true, [[id, "wss://node-1.example.com", true, 3]], []],
  ["members", false, [], [id]],
  ["drain"],
  ["undrain"],
  ["register", ["8010", "host:8010"]],
  ["remove", []],
  ["piece", 1, 100, new Uint8Array(3)],
  ["abandon", 1],
];

describe("frames of a link", () => {
  test("each kind is read as it was written", () => {
    for (const frame of frames) expect(parseLinkFrame(frame)).toEqual({ ok: true, frame });
    expect(new Set(frames.map(([type]) => type))).toEqual(new Set(Object.keys(linkFrames)));
  });

  test("a method of which no scope is said needs the widest", () => {
    const said = { name: "open", doc: "", params: {}, result: {} };
    const read = parseLinkFrame(["services", [{ name: "rooms", metadata: {}, methods: [said] }]]);
    expect(read).toMatchObject({ ok: true, frame: ["services", [{ methods: [{ scope: "manage" }] }]] });
  });

  test("a frame with an element too many or too few is none", () => {
    for (const frame of frames) {
      expect(parseLinkFrame([...frame, "more"]).ok).toBe(false);
      if (frame.length > 1) expect(parseLinkFrame(frame.slice(0, -1)).ok).toBe(false);
    }
  });

  test.each([
    ["not a list", { 0: "ping", 1: 1, length: 2 }],
    ["a type that nobody knows", ["pong2", 1]],
    ["a name of Object's own", ["toString"]],
    ["a number that is no whole one", ["ping", 0.5]],
    ["an id in upper case", ["hello", { version: 1, role: "node", id: id.toUpperCase(), nonce: hex64 }]],
    ["a nonce that is too short", ["hello", { version: 1, role: "node", id, nonce: "ab" }]],
    ["a role that nobody plays", ["hello", { version: 1, role: "admin", id, nonce: hex64 }]],
    ["a status with a negative number", ["pong", 1, { ...status, users: -1 }, 0]],
    ["a pong without the number of what was told", ["pong", 1, status]],
    ["interest that counts from nothing", ["interest", 0, {}]],
    ["interest in an id longer than any that is told", ["interest", 1, { users: ["u".repeat(1025)] }]],
    ["a command without parameters", ["call", 1, "default", 1, [["countUsers"]]]],
    ["a service without a name", ["call", 1, "", 1, []]],
    ["a service whose name has a space", ["services", [{ name: "my rooms", metadata: {}, methods: [] }]]],
    ["a request of neither kind", ["request", 1, 1, { kind: "code", code: "1" }]],
    ["an outcome that is neither", ["reply", 1, [["true", 1]]]],
    ["a piece of nothing", ["piece", 1, 0, new Uint8Array(0)]],
    ["too many addresses", ["register", Array.from({ length: 1001 }, () => "1")]],
    ["a member whose address is no WebSocket's", ["members", true, [[id, "http://a", true, 1]], []]],
    ["a member whose address has a line break", ["members", true, [[id, "ws://a\nb", true, 1]], []]],
    ["an empty address", ["register", [""]]],
  ])("%s is no frame", (_case, value) => {
    expect(parseLinkFrame(value).ok).toBe(false);
  });

  test("the error says which frame and where, and holds none of its values", () => {
    const parsed = parseLinkFrame(["auth", { proof: "the-secret-proof", info, status }]);
    expect(parsed).toEqual({ ok: false, error: expect.stringMatching(/^auth frame: 1\.proof /) });
    expect(JSON.stringify(parsed)).not.toContain("the-secret-proof");
    expect(
      parseLinkFrame(["hello", { version: "secret-version", role: "secret-role", id: 1, nonce: 2 }]),
    ).toEqual({
      ok: false,
      error: expect.not.stringContaining("secret-"),
    });
  });

  test("calls and replies, which are checked by hand, are those that the schemas take", () => {
    const odd = fc.oneof(
      fc.constantFrom(0, 1, -1, 0.5, -0, NaN, Infinity, 2 ** 31, 2 ** 53, "", "INTERNAL", true, false, null),
      fc.constantFrom("x".repeat(65), "x".repeat(129), "x".repeat(513), "x".repeat(2001), undefined),
      fc.string(),
      fc.constant({}),
    );
    const pair = fc.array(odd, { maxLength: 4 });
    const often = (usual: unknown) => fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, odd);
    const list = (usual: unknown[]) =>
      fc.oneof(
        { weight: 6, arbitrary: fc.array(fc.oneof(fc.constant(usual), pair), { maxLength: 3 }) },
        odd,
        fc.constantFrom(
          Array.from({ length: 10_000 }, () => usual),
          Array.from({ length: 10_001 }, () => usual),
        ),
      );
    const reply = fc.tuple(fc.constant("reply"), often(7), list([true, 1]));
    const call = fc.tuple(
      fc.constant("call"),
      often(7),
      often("websocket"),
      often(5000),
      list(["countUsers", {}]),
    );
    const more = fc.array(odd, { maxLength: 1 });
    const counts = { taken: 0, refused: 0 };
    fc.assert(
      fc.property(fc.oneof(reply, call), more, (frame, behind) => {
        const value = [...frame, ...behind];
        const parsed = parseLinkFrame(value);
        const judged = linkFrames[frame[0]].safeParse(value);
        expect(parsed).toEqual(
          judged.success ? { ok: true, frame: judged.data } : { ok: false, error: expect.any(String) },
        );
        counts[judged.success ? "taken" : "refused"] += 1;
      }),
      { numRuns: 1000 },
    );
    expect(counts.taken).toBeGreaterThan(50);
    expect(counts.refused).toBeGreaterThan(50);
  });
});
