import type { Agent } from "node:http";
import { z } from "zod";
import { type ClassicAnswer, classicAnswer, classicFailure } from "./answers.js";
import { type CenterAccess } from "./center-flags.js";
import { CommandFailure, EXIT_FAILED, EXIT_UNREACHABLE, note } from "./command-failure.js";
import { type HttpAnswer, NoAnswer, requestText } from "./http-request.js";
import { printable } from "./table.js";

/** How long a center has to show that it is there. */
const REACH_MS = 2000;
/** What an answer may take longer than the deadline that the center itself keeps. */
const SLACK_MS = 2000;

/** A center that was reached. Its methods throw a CommandFailure for every answer but a good one. */
export interface CenterClient {
  readonly url: URL;
  get<T>(path: string, schema: z.ZodType<T>): Promise<T>;
  post<T>(path: string, body: object, schema: z.ZodType<T>): Promise<T>;
  /** A call of the classic API, whose body is JSON text. `text` is the answer as it came. */
  call(events: readonly string[], body: string): Promise<{ text: string; answer: ClassicAnswer }>;
}

/**
 * The first of the centers that can be reached. It is asked for a sign of life first, so that nothing is ever sent
 * to two centers.
 *
 * @throws CommandFailure with exit code 3 where there is none.
 */
export async function reachCenter(access: CenterAccess): Promise<CenterClient> {
  const failures: string[] = [];
  for (const url of access.centers) {
    const reason = await whyNotReached(url);
    if (reason === undefined) {
      for (const failure of failures) note(`${failure}; asking ${showUrl(url)} instead`);
      return createCenterClient(url, access);
    }
    failures.push(`${showUrl(url)} could not be reached: ${reason}`);
  }
  throw unreachable(failures);
}

export function unreachable(failures: readonly string[]): CommandFailure {
  const advice =
    "Start a center (websocket-center center, or dev), or say where one is: --center URL, or WSC_CENTER_URL.";
  return new CommandFailure(EXIT_UNREACHABLE, `${failures.join("\n")}\n${advice}`);
}

/** Undefined where something answers there that may be a center. */
export async function whyNotReached(url: URL): Promise<string | undefined> {
  try {
    const { status } = await requestText(under(url, "livez"), { timeoutMs: REACH_MS });
    if (status === 426)
      return "that is a link port, where nodes register: give the center's HTTP port (8011)";
    return status >= 502 && status <= 504 ? `a proxy there answers ${status}` : undefined;
  } catch (error) {
    if (error instanceof NoAnswer) return error.message;
    throw error;
  }
}

/** @param agent - keeps connections for many calls; whoever made it ends it. */
export function createCenterClient(
  url: URL,
  { token, timeoutMs }: CenterAccess,
  agent?: Agent,
): CenterClient {
  const name = showUrl(url);
  const ask = async (path: string, body: string | undefined): Promise<HttpAnswer> => {
    try {
      return await requestText(under(url, path), { body, token, timeoutMs: timeoutMs + SLACK_MS, agent });
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      const unknown = body === undefined ? "" : " Whether it was done is unknown.";
      throw new CommandFailure(EXIT_FAILED, `${name} gave no answer: ${error.message}.${unknown}`, error);
    }
  };
  const read = <T>(answer: HttpAnswer, schema: z.ZodType<T>): T => {
    const json = parseJson(answer.text);
    if (answer.status !== 200) throw new CommandFailure(EXIT_FAILED, `${name}: ${refusalOf(answer, json)}`);
    const parsed = schema.safeParse(json);
    if (parsed.success) return parsed.data;
    throw new CommandFailure(EXIT_FAILED, `${name}: ${refusalOf(answer, json)}`);
  };
  return {
    url,
    get: async (path, schema) => read(await ask(path, undefined), schema),
    post: async (path, body, schema) => read(await ask(path, JSON.stringify(body)), schema),
    call: async (events, body) => {
      const answer = await ask(`?event=${encodeURIComponent(events.join())}&timeoutMs=${timeoutMs}`, body);
      return { text: answer.text, answer: read(answer, classicAnswer) };
    },
  };
}

/** A URL without a slash at its end. */
export function showUrl({ href }: URL): string {
  return href.replace(/\/$/, "");
}

/** `path` below the URL, which may itself have a path where a proxy is in between. */
function under(url: URL, path: string): URL {
  return new URL(path, url.href.endsWith("/") ? url : `${url.href}/`);
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // No JSON, so no answer of a center: the caller says so.
    return undefined;
  }
}

const problem = z.object({ detail: z.string(), code: z.string() });
const ofNode = z.object({ code: z.literal(0) });
const TOKEN_ADVICE =
  "it wants another token: set WSC_TOKEN (or TOKEN), or --token-file to a file that holds it";

/** What an answer that is not the one that was hoped for says, and what to do. */
function refusalOf({ status }: HttpAnswer, json: unknown): string {
  if (status === 401) return TOKEN_ADVICE;
  const ofRoute = problem.safeParse(json);
  if (ofRoute.success) return printable(ofRoute.data.detail);
  if (ofNode.safeParse(json).success) return "that is a node's own HTTP port: give a center's";
  const ofClassic = classicFailure.safeParse(json);
  if (!ofClassic.success)
    return `it answered (status ${status}) what no center answers: is that a center's HTTP port?`;
  const { msg } = ofClassic.data;
  if (msg === "token error") return TOKEN_ADVICE;
  // The classic API owns every path that is no endpoint: so answers a node, or a center without this endpoint.
  if (msg === "event error")
    return "it has no such endpoint: is that a center's HTTP port, and of this release?";
  return printable(msg);
}
