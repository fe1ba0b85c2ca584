import fc from "fast-check";
import { expect, test } from "vitest";
import { resolveNodeOptions } from "../../src/config/resolve.js";
import { secretKeys } from "../../src/node/tokens/verification-keys.js";
import { TokenVerifier } from "../../src/node/tokens/verifier.js";
import { forged, secret, sign } from "./signing.js";

const verifier = new TokenVerifier(resolveNodeOptions({}), secretKeys([secret]), undefined);

test("whatever a token is made of, it is refused with a reason, unless it was signed", async () => {
  const good = await sign();
  expect(await verifier.verify(good)).toMatchObject({ subject: "ada" });
  const json = fc.dictionary(
    fc.constantFrom("alg", "kid", "crit", "b64", "typ", "sub", "exp"),
    fc.jsonValue(),
  );
  const changed = fc
    .tuple(fc.nat(good.length - 1), fc.string({ minLength: 1, maxLength: 2 }))
    .map(([at, text]) => good.slice(0, at) + text + good.slice(at + 1))
    // The last character has bits that stand for nothing.
    .filter((token) => token.slice(0, -1) !== good.slice(0, -1));
  const made = fc.tuple(json, json, fc.string()).map(([header, claims, end]) => forged(header, claims, end));
  const signedHead = fc
    .tuple(json, json)
    .map(([header, claims]) => forged({ ...header, alg: "HS256" }, claims, good.split(".")[2]));
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), changed, made, signedHead), async (token) => {
      expect(await verifier.verify(token)).toEqual({ reason: expect.stringMatching(/./) });
    }),
    { numRuns: 2000 },
  );
});

test("a token with a blank or padding in it is another, and none that was signed", async () => {
  const good = await sign();
  const dot = good.lastIndexOf(".");
  for (const at of [3, dot - 3, dot + 3, good.length]) {
    for (const more of [" ", "\n", "\t", "=", "+", "/"]) {
      const token = good.slice(0, at) + more + good.slice(at);
      expect(await verifier.verify(token)).toEqual({ reason: "malformed token" });
    }
  }
});
