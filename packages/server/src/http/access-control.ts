import { AuditLog } from "../audit.js";
import type { CenterConfig, NodeConfig } from "../config/options.js";
import type { CenterError } from "../errors.js";
import type { Logger } from "../log.js";
import { type Access, createAccess } from "./access.js";
import { createClientAddress } from "./client-address.js";
import { TokensFile } from "./tokens-file.js";

type Config = Pick<
  CenterConfig & NodeConfig,
  "token" | "tokensFile" | "trustedProxies" | "auditLog" | "auditSends"
>;

/** Who may use the HTTP APIs of a process, and what they did. */
export class AccessControl {
  readonly access: Access;
  readonly audit: AuditLog;
  readonly #tokensFile: TokensFile | undefined;

  /** @throws CenterError CONFIG_INVALID where the tokens file cannot be used. */
  constructor(
    { token, tokensFile, trustedProxies, auditLog, auditSends }: Config,
    parts: {
      log: Logger;
      onTokensFault: (error: CenterError) => void;
      onAuditFault: (error: Error) => void;
    },
  ) {
    const { log } = parts;
    const file =
      tokensFile === undefined
        ? undefined
        : new TokensFile(tokensFile, {
            onRead: (names) => log.info({ tokens: names.slice(0, 100) }, "the tokens file was read again"),
            onFault: parts.onTokensFault,
          });
    this.#tokensFile = file;
    this.access = createAccess({ tokens: () => token, listed: file && (() => file.tokens) });
    this.audit = new AuditLog({
      target: auditLog,
      sends: auditSends,
      log,
      clientAddress: createClientAddress(trustedProxies),
      onFault: parts.onAuditFault,
    });
  }

  /** @throws CenterError CONFIG_INVALID where the audit log cannot be written. */
  start(): void {
    this.audit.open();
    this.#tokensFile?.start();
  }

  stop(): void {
    this.#tokensFile?.stop();
    this.audit.close();
  }
}
