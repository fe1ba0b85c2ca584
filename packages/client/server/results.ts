import type { CommandName, ErrorCode, Result } from "@websocket-center/protocol";
import { type CommandParams, commandNames, mergeResults } from "./commands.js";

export interface CallOptions {
  /** From 1 to 60,000, for all attempts together. Default: that of the back end. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** What a command or method came to at one node. */
export type Outcome = { ok: true; value: unknown } | { ok: false; code: ErrorCode; message: string };

/** What a service call came to, at each node that was asked. */
export type ServiceResult = { nodeId: string } & Outcome;

/** What a command came to on the cluster. */
export interface ClusterResult<C extends CommandName> {
  /** The results of the nodes that answered, as one. */
  value: Result<C>;
  /** What each node that was asked answered. */
  nodes: ({ nodeId: string } & Outcome)[];
  /** Those of them that failed. While it is not empty, `value` is what is known, and may not be all. */
  failures: ({ nodeId: string } & Extract<Outcome, { ok: false }>)[];
}

/** Every command, on all nodes of the cluster. */
export type ClusterCommands = {
  [C in CommandName]: (params: CommandParams<C>, options?: CallOptions) => Promise<ClusterResult<C>>;
};

/** One command with its parameters, as a list of them goes into `batch`. */
export type Command = { [C in CommandName]: { command: C; params: CommandParams<C> } }[CommandName];

/** Makes the functions from the names of the commands. */
export function commandFunctions(
  run: (command: CommandName, params: object, options?: CallOptions) => Promise<ClusterResult<CommandName>>,
): ClusterCommands {
  const functions = commandNames.map((name) => [
    name,
    (params: object, options?: CallOptions) => run(name, params, options),
  ]);
  // The table ties each name to its parameters and result, which this loop over it cannot express.
  return Object.fromEntries(functions) as ClusterCommands;
}

/** Puts together what each node has to say. Undefined where it is not what a center answers. */
export function resultOfNodes(name: CommandName, results: unknown): ClusterResult<CommandName> | undefined {
  if (!isServiceResults(results)) return undefined;
  const values = results.flatMap((result) => (result.ok ? [result.value] : []));
  return clusterResult(mergeResults(name, values), results);
}

/** Reads a line that a `/batch` stream answers. Undefined where it is not what a center answers. */
export function resultOfLine(
  line: Readonly<Record<string, unknown>>,
): ClusterResult<CommandName> | undefined {
  const { value, nodes, failures = {} } = line;
  if (!isRecord(nodes) || !isRecord(failures) || value === undefined) return undefined;
  const good = Object.entries(nodes).map(([nodeId, of]) => ({ nodeId, ok: true, value: of }));
  const bad = Object.entries(failures).map(([nodeId, of]) => ({
    ...(isRecord(of) ? of : {}),
    nodeId,
    ok: false,
  }));
  const all = [...good.filter(({ nodeId }) => !Object.hasOwn(failures, nodeId)), ...bad];
  return isServiceResults(all) ? clusterResult(value, all) : undefined;
}

function clusterResult(value: unknown, nodes: ServiceResult[]): ClusterResult<CommandName> {
  const failures = nodes.filter((outcome) => !outcome.ok);
  return { value: value as Result<CommandName>, nodes, failures };
}

export function isServiceResults(results: unknown): results is ServiceResult[] {
  return Array.isArray(results) && results.every(isServiceResult);
}

function isServiceResult(result: unknown): boolean {
  if (!isRecord(result) || typeof result["nodeId"] !== "string") return false;
  if (result["ok"] === true) return Object.hasOwn(result, "value");
  return (
    result["ok"] === false && typeof result["code"] === "string" && typeof result["message"] === "string"
  );
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
