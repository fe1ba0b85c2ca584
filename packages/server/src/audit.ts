import {
  type Command,
  type CommandName,
  commands as commandTable,
  type ErrorCode,
  HUB_SERVICE,
  isCommandName,
  mergeResults,
  type Result,
  type Scope,
} from "@websocket-center/protocol";
import { destination, type DestinationStream } from "pino";
import { CenterError, messageOf } from "./errors.js";
import type { Denial } from "./http/exchange.js";
import type { AddressedRequest } from "./http/client-address.js";
import type { Principal } from "./http/access.js";
import { createLogger, type Logger } from "./log.js";
import type { Outcome } from "./rpc/outcome.js";

/** The call that did something. */
export interface AuditedCall {
  readonly req: AddressedRequest;
  readonly callId: string;
  readonly principal: Principal;
}

/** Whom or what an entry concerns, by kind: ids, addresses of centers. Never messages. */
export type AuditTargets = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A call of a method of a service. Of `params` only those of the hub's commands are looked at. */
export interface AuditedServiceCall {
  service: string;
  method: string;
  params: unknown;
  mode?: string | undefined;
  nodeId?: string | undefined;
  scopes: ReadonlySet<Scope>;
}

export interface AuditOptions {
  /** Where lines go: `-` to `log`, `off` nowhere, else to the end of that file. */
  target: string;
  /** Whether sends have lines, besides what changes state. */
  sends: boolean;
  log: Logger;
  /** The client's address behind proxies. */
  clientAddress: (req: AddressedRequest) => string;
  /** The file cannot be written just now. Its lines wait, up to a bound. */
  onFault: (error: Error) => void;
}

/** Items of a list that an entry shows; of a longer one it has the number. */
const SHOWN_ITEMS = 20;
/** As long as ids are by default. Callers decide on the text, and nobody on how much is logged. */
const SHOWN_CHARACTERS = 512;
/** What waits while a file cannot be written, as on a full disk; what comes then is lost. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** The parameters of commands that name whom they concern. */
const targetParams = ["userId", "connectionId", "groupId", "groupIds"] as const;

/**
 * Says who changed what over HTTP, a line for each command or operation. No line is ever dropped to spare the log,
 * and none has a message or a token in it.
 */
export class AuditLog {
  readonly #options: AuditOptions;
  readonly #ordinary: Logger;
  #lines: Logger;
  #file: ReturnType<typeof destination> | undefined;

  constructor(options: AuditOptions) {
    this.#options = options;
    const { log } = options;
    // A log that is less talkative than these lines still has them, unless it is to say nothing at all.
    this.#ordinary = log.child({ audit: true }, { level: log.level === "silent" ? "silent" : "info" });
    this.#lines = this.#ordinary;
  }

  /** @throws CenterError CONFIG_INVALID where the file cannot be written. */
  open(): void {
    const { target, onFault } = this.#options;
    if (target === "-" || target === "off" || this.#file !== undefined) return;
    const file = openFile(target);
    file.on("error", onFault);
    this.#file = file;
    this.#lines = fileLogger(file);
  }

  close(): void {
    this.#lines = this.#ordinary;
    this.#file?.end();
    this.#file = undefined;
  }

  /** Whether what needs that scope has lines. */
  records(scope: Scope): boolean {
    if (this.#options.target === "off" || scope === "read") return false;
    return scope === "manage" || this.#options.sends;
  }

  /** A command on the hub, with what came of it at each node that was asked. */
  command(call: AuditedCall, { name, params }: Command, asked: Iterable<Outcome>): void {
    if (!this.records(commandTable[name].scope)) return;
    const outcomes = [...asked];
    this.operation(call, name, targetsOf(params), { outcomes, result: resultOf(name, outcomes) });
  }

  /** A method of a service, with what came of it at each node that was asked. */
  serviceCall(call: AuditedCall, called: AuditedServiceCall, outcomes: readonly Outcome[]): void {
    const { service, method, params, mode, nodeId, scopes } = called;
    if (![...scopes].some((scope) => this.records(scope))) return;
    if (service !== HUB_SERVICE || !isCommandName(method)) {
      this.operation(call, `${service}.${method}`, { nodeId, mode }, { outcomes });
      return;
    }
    const targets = { ...targetsOf(params), nodeId, mode };
    this.operation(call, method, targets, { outcomes, result: resultOf(method, outcomes) });
  }

  /** Anything else that changes state. */
  operation(
    call: AuditedCall,
    command: string,
    targets: AuditTargets,
    { outcomes, result }: { outcomes: readonly Outcome[]; result?: unknown },
  ): void {
    if (this.#options.target === "off") return;
    const failures = outcomes.flatMap((outcome) => (outcome.ok ? [] : [outcome.code]));
    this.#lines.info(
      {
        ...this.#who(call),
        command: cut(command),
        targets: bounded(targets),
        ok: outcomes.length - failures.length,
        failed: failures.length,
        ...(failures.length === 0 ? {} : { codes: [...new Set(failures)] }),
        ...(result === undefined ? {} : { result }),
      },
      "audit",
    );
  }

  /** A token asked for more than it allows, and nothing was run. */
  denied({ scope, what, ...call }: Denial): void {
    if (this.#options.target === "off") return;
    this.#lines.info({ ...this.#who(call), command: cut(what), denied: scope }, "audit");
  }

  #who({ principal, req, callId }: AuditedCall): object {
    return { token: principal.name, address: this.#options.clientAddress(req), callId };
  }
}

/** The outcome of something that is done at this process alone. */
export const doneHere: readonly Outcome[] = [{ ok: true, value: undefined }];

export function failedHere(error: unknown): readonly Outcome[] {
  const code: ErrorCode = error instanceof CenterError ? error.code : "INTERNAL";
  return [{ ok: false, code, message: messageOf(error) }];
}

/** What the nodes did, as one: a change, or a number of connections. Undefined where no answer came. */
function resultOf(name: CommandName, outcomes: readonly Outcome[]): unknown {
  const values = outcomes.flatMap((outcome) => (outcome.ok ? [outcome.value] : []));
  return values.length === 0 && outcomes.length > 0
    ? undefined
    : mergeResults(name, values as Result<CommandName>[]);
}

/** What in a command's parameters names whom it concerns, checked or not. */
function targetsOf(params: unknown): AuditTargets {
  if (typeof params !== "object" || params === null) return {};
  const given = params as Readonly<Record<string, unknown>>;
  const entries = targetParams.flatMap((key): [string, string | string[]][] => {
    const value = Object.hasOwn(given, key) ? given[key] : undefined;
    if (typeof value === "string") return [[key, value]];
    return Array.isArray(value) ? [[key, value.filter((item) => typeof item === "string")]] : [];
  });
  return Object.fromEntries(entries);
}

function bounded(targets: AuditTargets): object {
  const entries = Object.entries(targets).flatMap(([key, value]): [string, unknown][] => {
    if (value === undefined) return [];
    if (typeof value === "string") return [[key, cut(value)]];
    const shown: [string, unknown] = [key, value.slice(0, SHOWN_ITEMS).map(cut)];
    return value.length <= SHOWN_ITEMS ? [shown] : [shown, [`${key}Total`, value.length]];
  });
  return Object.fromEntries(entries);
}

function cut(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}…`;
}

function openFile(path: string): ReturnType<typeof destination> {
  try {
    return destination({ dest: path, append: true, mode: 0o600, sync: true, maxLength: MAX_WAITING_BYTES });
  } catch (error) {
    throw new CenterError("CONFIG_INVALID", `cannot write the audit log ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function fileLogger(stream: DestinationStream): Logger {
  return createLogger({ level: "info", format: "json", name: "audit", stream }).child({ audit: true });
}
