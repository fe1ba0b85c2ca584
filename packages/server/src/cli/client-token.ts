import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject, randomUUID } from "node:crypto";
import { Command, InvalidArgumentError, Option } from "commander";
import { SignJWT } from "jose";
import type { NodeConfig } from "../config/options.js";
import { CenterError, messageOf } from "../errors.js";
import { readPem } from "../http/tls.js";
import { algorithmsOf } from "../node/tokens/verification-keys.js";
import { append } from "./center-flags.js";
import { print } from "./command-failure.js";
import { addOptionFlags, loadFromCommand } from "./flags.js";

interface Flags {
  sub: string;
  ttl: number;
  groups?: string[];
  aud?: string;
  iss?: string;
  keyFile?: string;
  kid?: string;
  json?: true;
}

/** What of a node's options decides how a token must look. */
const nodeOptions = [
  "clientJwtSecret",
  "clientJwtAudience",
  "clientJwtIssuer",
  "clientJwtGroupsClaim",
] as const;

const unitSeconds = { s: 1, m: 60, h: 3600, d: 86_400 };
type Unit = keyof typeof unitSeconds;

/** `websocket-center token`: makes a token with which a client may connect, for tests. */
export function clientTokenCommand(): Command {
  const command = new Command("token")
    .description("Make a token with which a client connects to a node that asks for one. For tests.")
    .addOption(new Option("--sub <user>", "the user's id").argParser(readText).makeOptionMandatory())
    .addOption(
      new Option("--ttl <time>", "how long it lives: 30s, 15m, 12h or 30d")
        .argParser(readSeconds)
        .default(unitSeconds.h, "1h"),
    )
    .addOption(
      new Option(
        "--groups <ids>",
        "groups that the client joins; repeat it, or separate with commas, for several",
      ).argParser(append),
    )
    .addOption(new Option("--aud <audience>", "its audience (default: the first that the node takes)"))
    .addOption(new Option("--iss <issuer>", "its issuer (default: the first that the node takes)"))
    .addOption(new Option("--key-file <file>", "sign with this private key (PEM) instead of the secret"))
    .addOption(new Option("--kid <id>", "the key's id, where nodes find it in a key set"))
    .addOption(new Option("--json", "write token and claims as one JSON object"));
  addOptionFlags(command, "node", nodeOptions);
  command.addHelpText(
    "after",
    "\nThe secret, audience, issuer and claim are the node's own, from the same variables, file and flags.",
  );
  return command.action(async () => {
    const flags = command.opts<Flags>();
    const { config } = loadFromCommand("node", command);
    const { key, algorithm } = signingKeyOf(flags.keyFile, config);
    const claims = claimsOf(flags, config);
    const header = { alg: algorithm, typ: "JWT", ...(flags.kid === undefined ? {} : { kid: flags.kid }) };
    const token = await new SignJWT(claims).setProtectedHeader(header).sign(key);
    print(flags.json === true ? JSON.stringify({ token, claims }) : token);
  });
}

function claimsOf(flags: Flags, config: NodeConfig): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000);
  const { sub, ttl, aud = config.clientJwtAudience[0], iss = config.clientJwtIssuer[0] } = flags;
  const groups = flags.groups?.flatMap((text) => text.split(",")).filter((group) => group !== "");
  return {
    sub,
    iat: now,
    exp: now + ttl,
    jti: randomUUID(),
    ...(aud === undefined ? {} : { aud }),
    ...(iss === undefined ? {} : { iss }),
    ...(groups === undefined ? {} : { [config.clientJwtGroupsClaim]: groups }),
  };
}

function signingKeyOf(
  keyFile: string | undefined,
  config: NodeConfig,
): { key: KeyObject; algorithm: string } {
  if (keyFile === undefined) {
    const [secret] = config.clientJwtSecret;
    if (secret !== undefined) return { key: createSecretKey(Buffer.from(secret)), algorithm: "HS256" };
    throw new CenterError(
      "CONFIG_INVALID",
      "there is nothing to sign with: set WSC_CLIENT_JWT_SECRET (or WSC_CLIENT_JWT_SECRET_FILE, --client-jwt-secret-file), or --key-file",
    );
  }
  const key = privateKeyIn(keyFile);
  const [algorithm] = algorithmsOf(createPublicKey(key));
  if (algorithm !== undefined) return { key, algorithm };
  throw new CenterError(
    "CONFIG_INVALID",
    `${keyFile} holds a key that nodes do not take: expected RSA of 2048 bits or more, P-256 or Ed25519`,
  );
}

function privateKeyIn(file: string): KeyObject {
  const pem = readPem("--key-file", file);
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw new CenterError("CONFIG_INVALID", `${file} holds no private key (PEM): ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function readText(text: string): string {
  if (text !== "") return text;
  throw new InvalidArgumentError("Expected text.");
}

function readSeconds(text: string): number {
  const match = /^(\d{1,6})([smhd])$/.exec(text);
  const seconds = Number(match?.[1]) * unitSeconds[(match?.[2] ?? "s") as Unit];
  if (seconds > 0) return seconds;
  throw new InvalidArgumentError("Expected 30s, 15m, 12h, 30d or the like.");
}
