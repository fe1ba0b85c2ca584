/** What one event gave: the values of the nodes that answered, and why the others did not, both by node id. */
export interface Places {
  values: Record<string, unknown>;
  failures: Record<string, string>;
}

export interface CenterOptions {
  /** Of any one center: `http://127.0.0.1:8011`. */
  url: string;
  /** One of the center's `TOKEN`s; not needed on loopback. */
  token?: string | undefined;
  /** How long nodes may take to answer. Those that take longer are failures. */
  timeoutMs?: number | undefined;
}

type Params = Record<string, unknown>;

/** Nothing is known of the request, or the center refused it: `token error`, `event error`, no answer at all. */
export class CenterCallError extends Error {}

/** Time for the way to the center and back, beyond what the nodes may take. */
const NETWORK_MS = 1000;

/** A client of the HTTP API, at one center. */
export class Center {
  readonly #options: CenterOptions;

  constructor(options: CenterOptions) {
    this.#options = options;
  }

  /** Runs one event on all nodes. */
  async call(event: string, params: Params = {}): Promise<Places> {
    const { [event]: places } = await this.batch({ [event]: params });
    return places ?? { values: {}, failures: {} };
  }

  /** Runs several events in one round trip; each node runs them in this order, those after a failure too. */
  async batch(events: Record<string, Params>): Promise<Record<string, Places>> {
    const data = await this.#post(Object.keys(events).join(), events);
    return Object.fromEntries(Object.entries(data).map(([event, places]) => [event, split(places)]));
  }

  async #post(event: string, body: unknown): Promise<Record<string, Record<string, unknown>>> {
    const { url, token, timeoutMs = 5000 } = this.#options;
    const target = new URL(url);
    target.search = new URLSearchParams({ event, timeoutMs: String(timeoutMs) }).toString();
    const response = await fetch(target, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs + NETWORK_MS),
    }).catch((cause: unknown) => {
      throw new CenterCallError(`no answer from ${url}: nobody knows whether the call ran`, { cause });
    });
    const answer = await response.json().catch((cause: unknown) => {
      throw new CenterCallError(`no center at ${url}: HTTP ${response.status} without JSON`, { cause });
    });
    if (answer.code !== 0) throw new CenterCallError(answer.msg);
    return answer.data;
  }
}

/** A node's failure is `{code: 1, msg}` in its place. The number tells it from data of clients, which are strings. */
function split(places: Record<string, any>): Places {
  const result: Places = { values: {}, failures: {} };
  for (const [node, value] of Object.entries(places)) {
    if (value?.code === 1) result.failures[node] = value.msg;
    else result.values[node] = value;
  }
  return result;
}
