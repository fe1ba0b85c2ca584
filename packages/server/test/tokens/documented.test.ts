import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { decodeJwt } from "jose";
import { expect, test } from "vitest";
import { Client, startNode } from "../node/running-node.js";
import { findProgram } from "../programs.js";
import { secret } from "./signing.js";

const page = readFileSync(new URL("../../../../docs/CLIENT-TOKENS.md", import.meta.url), "utf8");

/** The only block of the page in that language. */
function documented(language: string): string {
  const blocks = [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms"))];
  expect(blocks).toHaveLength(1);
  return blocks[0]?.[1] ?? "";
}

/** Runs the documented code with that program, and connects with the token that it prints. */
async function useDocumented(language: string, program: string): Promise<void> {
  const token = execFileSync(program, {
    input: documented(language),
    env: { PATH: process.env["PATH"], WSC_CLIENT_JWT_SECRET: secret },
    encoding: "utf8",
  }).trim();
  expect((decodeJwt(token).exp ?? 0) - Date.now() / 1000).toBeLessThanOrEqual(300);
  const node = await startNode({ clientJwtSecret: [secret] });
  const client = await Client.connect(node, { path: `/?access_token=${token}` });
  expect(node.hub.listConnectionsOfUser({ userId: "ada" })).toEqual([client.id]);
}

test.skipIf(findProgram("php") === undefined)("a token of the documented PHP lets a client in", () =>
  useDocumented("php", "php"),
);

test.skipIf(findProgram("openssl") === undefined)("a token of the documented shell lets a client in", () =>
  useDocumented("sh", "sh"),
);
