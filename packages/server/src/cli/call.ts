import { classicEvents, type CommandName, commands, findClassicEvent } from "@websocket-center/protocol";
import { Command } from "commander";
import { type ClassicAnswer, failureOf, nodesAnswer } from "./answers.js";
import { type CallRequest, readCall, usageOf, WrongCall } from "./call-request.js";
import { type CenterClient, reachCenter, showUrl } from "./center-client.js";
import { addCenterFlags, jsonOption, readCenterFlags } from "./center-flags.js";
import { CommandFailure, exitCodesHelp, EXIT_FAILED, note, print } from "./command-failure.js";
import { formatTable, printable, shortId } from "./table.js";

/** `websocket-center call`: the classic API from a command line. */
export function callCommand(): Command {
  const command = new Command("call")
    .description("Call events of the API at a center: who is online, bind, group, send, close.")
    .argument("<event>", "the event, or several separated by commas: one round trip, in order")
    .argument(
      "[parameters...]",
      "key=value; a key given again, or key[]=value, makes a list; key:=JSON gives a JSON value; EVENT[key]=value is for one event of several",
    );
  addCenterFlags(command).addOption(jsonOption());
  command.addHelpText("after", exitCodesHelp("the call failed, or failed at some node; which, is on stderr"));
  command.addHelpText("after", () => `\nEvents:\n${eventList()}`);
  return command.action(async (eventName: string, parameters: string[]) => {
    const access = readCenterFlags(command);
    const request = readOrExplain(command, eventName, parameters);
    const center = await reachCenter(access);
    const { text, answer } = await center.call(request.events, request.body);
    const nodes = await nodesOf(center, answer);
    if (command.opts<{ json?: boolean }>().json === true) print(text);
    else showAnswer(request, answer, nodes);
    throwFailures(center, answer, nodes);
  });
}

function eventList(): string {
  return Object.entries(classicEvents)
    .map(([name, event]) => `  ${usageOf(name, event)}`)
    .join("\n");
}

function readOrExplain(command: Command, event: string, parameters: readonly string[]): CallRequest {
  try {
    return readCall(event, parameters);
  } catch (error) {
    if (error instanceof WrongCall) return command.error(`error: ${error.message}`);
    throw error;
  }
}

/** The nodes' addresses, which only make the answer easier to read: it does not depend on them. */
async function nodesOf(center: CenterClient, { master_ids }: ClassicAnswer): Promise<Map<string, string>> {
  if (master_ids.length === 0) return new Map();
  try {
    const { nodes } = await center.get("nodes", nodesAnswer);
    return new Map(nodes.map(({ id, publicUrl }) => [id, printable(publicUrl)]));
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    note(`The nodes' addresses are not known: ${error.message}`);
    return new Map();
  }
}

function showAnswer(
  { events }: CallRequest,
  { data }: ClassicAnswer,
  nodes: ReadonlyMap<string, string>,
): void {
  const isBatch = events.length > 1;
  const rows: string[][] = [];
  for (const event of events) {
    const places = Object.entries(data[event] ?? {});
    for (const [nodeId, value] of places) {
      const row = [shortId(nodeId), nodes.get(nodeId) ?? "(gone)", showValue(value)];
      rows.push(isBatch ? [event, ...row] : row);
    }
    const total = totalOf(event, places);
    if (total !== undefined) rows.push([...(isBatch ? [event] : []), "all", "", String(total)]);
  }
  if (rows.length === 0) return;
  const head = ["NODE", "ADDRESS", "VALUE"];
  print(formatTable(isBatch ? ["EVENT", ...head] : head, rows));
  print("");
  for (const event of events) print(`${event}: ${findClassicEvent(event)?.doc ?? ""}`);
}

/** The sum of counts of several nodes; undefined where a sum would say nothing. */
function totalOf(event: string, places: readonly (readonly [string, unknown])[]): number | undefined {
  const names: readonly CommandName[] = findClassicEvent(event)?.commands ?? [];
  if (places.length < 2 || !names.every((name) => isCount(name))) return undefined;
  // A user may be on several nodes: what is counted by users, or by their groups, adds up to nothing.
  if (names.some((name) => /^count(Users|Groups)/.test(name))) return undefined;
  return places.reduce((sum, [, value]) => (typeof value === "number" ? sum + value : sum), 0);
}

function isCount(name: CommandName): boolean {
  return commands[name].result.safeParse(1).success && !commands[name].result.safeParse(true).success;
}

/** Lists have an item a line. */
function showValue(value: unknown): string {
  const failure = failureOf(value);
  if (failure !== undefined) return `FAILED: ${failure}`;
  if (Array.isArray(value)) return value.length === 0 ? "(none)" : value.map(showItem).join("\n");
  return showItem(value);
}

/** JSON, so that the user "0" and the number 0 look different. */
function showItem(value: unknown): string {
  return printable(JSON.stringify(value) ?? "");
}

function throwFailures(
  center: CenterClient,
  { data, master_ids }: ClassicAnswer,
  nodes: ReadonlyMap<string, string>,
): void {
  if (master_ids.length === 0) {
    throw new CommandFailure(
      EXIT_FAILED,
      `No node is linked to ${showUrl(center.url)}: nothing was run. Start one (websocket-center node), or see \`websocket-center status\`.`,
    );
  }
  const failed = Object.entries(data).flatMap(([event, places]) =>
    Object.entries(places).flatMap(([nodeId, value]) => {
      const failure = failureOf(value);
      const place = `${shortId(nodeId)} ${nodes.get(nodeId) ?? ""}`.trim();
      return failure === undefined ? [] : [{ nodeId, line: `  ${place}: ${event}: ${failure}` }];
    }),
  );
  if (failed.length === 0) return;
  const count = new Set(failed.map(({ nodeId }) => nodeId)).size;
  const lines = failed.map(({ line }) => line);
  throw new CommandFailure(
    EXIT_FAILED,
    [`Failed at ${count} of ${master_ids.length} nodes:`, ...lines].join("\n"),
  );
}
