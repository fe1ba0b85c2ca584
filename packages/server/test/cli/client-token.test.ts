import { decodeJwt, decodeProtectedHeader } from "jose";
import { afterEach, expect, test } from "vitest";
import { Client, startNode } from "../node/running-node.js";
import { ecPair, edPair, fileOf, type Pair, rsaPair, secret } from "../tokens/signing.js";
import { endAll, run, start } from "./command.js";

afterEach(endAll);

const env = { WSC_CLIENT_JWT_SECRET: secret };

test("a token that it makes lets a client in, with its groups, under the node's own options", async () => {
  const options = { WSC_CLIENT_JWT_AUDIENCE: "chat,web", WSC_CLIENT_JWT_ISSUER: "me" };
  const args = ["token", "--sub", "ada", "--ttl", "15m", "--groups", "a,b", "--groups", "c"];
  const { code, stdout, stderr } = await run([...args, "--client-jwt-groups-claim", "rooms"], {
    ...env,
    ...options,
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const token = stdout.trimEnd();
  const claims = decodeJwt(token);
  expect(claims).toMatchObject({ sub: "ada", aud: "chat", iss: "me", rooms: ["a", "b", "c"] });
  expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(900);
  const node = await startNode({
    clientJwtSecret: [secret],
    clientJwtAudience: ["chat"],
    clientJwtIssuer: ["me"],
    clientJwtGroupsClaim: "rooms",
  });
  const { id: connectionId } = await Client.connect(node, { path: `/?access_token=${token}` });
  expect(node.hub.listGroupsOfConnection({ connectionId })).toEqual(["a", "b", "c"]);
});

test.each<[string, () => Pair]>([
  ["RS256", rsaPair],
  ["ES256", ecPair],
  ["EdDSA", edPair],
])("a private key in a file makes it %s, without a secret", async (algorithm, make) => {
  const pair = make();
  const file = await fileOf(pair.key.export({ type: "pkcs8", format: "pem" }).toString());
  const { stdout, stderr } = await run([
    "token",
    "--sub",
    "ada",
    "--key-file",
    file,
    "--kid",
    "k1",
    "--json",
  ]);
  expect(stderr).toBe("");
  const { token, claims } = JSON.parse(stdout) as { token: string; claims: { sub: string } };
  expect(decodeProtectedHeader(token)).toEqual({ alg: algorithm, typ: "JWT", kid: "k1" });
  expect(decodeJwt(token)).toEqual(claims);
  const node = await startNode({ clientJwtPublicKey: await fileOf(pair.publicPem) });
  await Client.connect(node, { path: `/?access_token=${token}` });
});

test("a node process takes its keys from the environment, and listen connects with such a token", async () => {
  const node = start(["node", "--port", "0"], { ...env, WSC_LOG_FORMAT: "json" });
  const [, address = ""] = await node.prints(/"client":"([^"]+)"/);
  const { stdout } = await run(["token", "--sub", "ada"], env);
  const listen = start(["listen", `ws://${address}/?access_token=${stdout.trimEnd()}`]);
  await listen.says(/"cmd":"open"|connected/);
  const refused = await run(["listen", `ws://${address}/`, "--once"]);
  expect(refused.stderr).toContain("401");
});

test.each<[string, string[], Record<string, string>, RegExp]>([
  ["no sub", [], env, /--sub/],
  ["an empty sub", ["--sub", ""], env, /Expected text/],
  ["no time to live", ["--sub", "a", "--ttl", "0s"], env, /30s, 15m, 12h, 30d or the like/],
  ["nothing to sign with", ["--sub", "a"], {}, /set WSC_CLIENT_JWT_SECRET .* or --key-file/],
  ["a short secret", ["--sub", "a"], { WSC_CLIENT_JWT_SECRET: "short" }, /32 bytes or more/],
  [
    "a key file that is not there",
    ["--sub", "a", "--key-file", "/nowhere"],
    {},
    /cannot be read: there is no such file/,
  ],
])("%s is wrong usage, and says what is expected", async (_what, args, environment, expected) => {
  const { code, stdout, stderr } = await run(["token", ...args], environment);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(expected);
});

test("a key that nodes do not take is refused", async () => {
  const file = await fileOf(ecPair("P-384").key.export({ type: "pkcs8", format: "pem" }).toString());
  const { code, stderr } = await run(["token", "--sub", "a", "--key-file", file]);
  expect(code).toBe(2);
  expect(stderr).toContain("expected RSA of 2048 bits or more, P-256 or Ed25519");
});
