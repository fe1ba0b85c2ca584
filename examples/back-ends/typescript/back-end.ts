// Lets the connection argv[2] in as the user ada, sends to her, asks who is online.

type Failure = { code: 1; msg: string; data: [] };
/** A place for each node that was linked. */
type Places = Record<string, unknown>;
type Answer = { code: 0; master_ids: string[]; data: Record<string, Places> } | Failure;

const { CENTER_URL: center = "http://127.0.0.1:8011", TOKEN: token } = process.env;

/**
 * Calls a center with a JSON body: `{ bindId: { id: "ada", _id: connectionId }, ... }`. Several events are one round
 * trip: every node runs them in this order.
 *
 * @returns the values that nodes gave, by event. What failed at one node is left out, and told on stderr.
 * @throws where no center could be reached, or the whole call failed.
 */
async function call<Event extends string>(events: Record<Event, object>): Promise<Record<Event, unknown[]>> {
  const names = Object.keys(events) as Event[];
  return ask(names, new URLSearchParams(), JSON.stringify(events));
}

/** The same with the parameters of one event in the query string. */
async function query(event: string, params: Record<string, string> = {}): Promise<unknown[]> {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) search.set(`${event}[${name}]`, value);
  const { [event]: values = [] } = await ask([event], search);
  return values;
}

async function ask<Event extends string>(
  names: Event[],
  search: URLSearchParams,
  body?: string,
): Promise<Record<Event, unknown[]>> {
  search.set("event", names.join());
  search.set("timeoutMs", "2000");
  const response = await fetch(`${center}/?${search.toString()}`, {
    method: body === undefined ? "GET" : "POST",
    // The token may also stand in the query (token=...); as a header, it is in no log.
    headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
    body: body ?? null,
    signal: AbortSignal.timeout(10_000),
  });
  const answer = (await response.json()) as Answer;
  if (answer.code !== 0) throw new Error(`the call failed: ${answer.msg}`);
  const values = names.map((name) => [name, valuesOf(name, answer.data[name] ?? {})] as const);
  return Object.fromEntries(values) as Record<Event, unknown[]>;
}

function valuesOf(event: string, places: Places): unknown[] {
  return Object.entries(places).flatMap(([nodeId, value]) => {
    if (!isFailure(value)) return [value];
    console.error(`${event} at node ${nodeId}: ${value.msg}`);
    return [];
  });
}

function isFailure(value: unknown): value is Failure {
  return typeof value === "object" && value !== null && "code" in value && value.code === 1;
}

const sum = (values: unknown[]): number => values.reduce<number>((total, value) => total + Number(value), 0);

const connection = process.argv[2];
if (connection === undefined) throw new Error("usage: node back-end.js CONNECTION_ID");
const done = await call({
  bindId: { id: "ada", _id: connection },
  joinGroupById: { groupId: "room", id: "ada" },
  sendMessageToId: { id: "ada", msg: "welcome" },
  sendToGroup: { groupId: "room", msg: { from: "ada", text: "hi" } },
  broadcast: { msg: "ada is here", exclude_Ids: [connection] },
});
console.log(`bound: ${done.bindId.includes(0)}`);
for (const event of ["sendMessageToId", "sendToGroup", "broadcast"] as const) {
  console.log(`queued: ${sum(done[event])}`);
}
console.log(`ada is online: ${(await query("isOnlineId", { id: "ada" })).includes(true)}`);
console.log(`users: ${[...new Set((await query("getIds")).flat())].join(", ")}`);
