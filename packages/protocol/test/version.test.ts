import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { z } from "zod";
import { commands, LINK_PROTOCOL_VERSION, linkFrames } from "../src/index.js";

/** The same for equal values, however their keys are ordered. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

const schemaOf = (schema: z.ZodType): unknown =>
  z.toJSONSchema(schema, { unrepresentable: "any", io: "input" });

/** Everything that the two ends of a link must agree on. */
function wire(): unknown {
  return {
    frames: Object.fromEntries(Object.entries(linkFrames).map(([type, frame]) => [type, schemaOf(frame)])),
    commands: Object.fromEntries(
      Object.entries(commands).map(([name, { target, params, result, absent }]) => [
        name,
        { target, params: schemaOf(params), result: schemaOf(result), absent },
      ]),
    ),
  };
}

test("whoever changes what crosses a link changes LINK_PROTOCOL_VERSION, or knows that old and new still understand each other", () => {
  const hash = createHash("sha256").update(canonical(wire())).digest("hex");
  expect(
    { version: LINK_PROTOCOL_VERSION, hash },
    "the link's schemas or the command table have changed: raise LINK_PROTOCOL_VERSION unless nodes and centers of " +
      "both kinds still understand each other, and put the new hash here",
  ).toEqual({ version: 2, hash: "f9fe2a726cf5d83a71ee3d981a5c036ccf669b77d5219532fb34a60654ac254f" });
});

test("the hash sees a change of any kind: a field more, another bound, another target", () => {
  const before = canonical(wire());
  expect(before).toContain('"pattern":"^[0-9a-f]{32}$"');
  expect(before).toContain('"maxItems":10000');
  for (const name of [...Object.keys(linkFrames), ...Object.keys(commands)])
    expect(before).toContain(`"${name}":{`);
  expect(canonical({ a: 1, b: [{ d: 1, c: 2 }] })).toBe(canonical({ b: [{ c: 2, d: 1 }], a: 1 }));
});
