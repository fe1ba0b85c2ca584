import { until } from "./child.js";
import type { Client } from "./client.js";
import { at } from "./cluster.js";
import type { Cluster } from "./cluster.js";
import { framesFit, wrongAnswer } from "./expectations.js";
import { requestOf } from "./history-requests.js";
import type { Step } from "./history-steps.js";
import { dataOf, parse } from "./http.js";
import type { Json } from "./http.js";
import { Model } from "./model.js";
import type { Close } from "./model.js";
import { parseQuery } from "./values.js";

/** One history on a cluster that has no connection yet, beside the model of it. */
export class History {
  readonly #cluster: Cluster;
  readonly #model: Model;
  readonly #open = new Map<string, Client>();
  /** All connections that ever were, so that calls name closed ones too. */
  readonly #ids: string[] = [];
  #frozen: number | undefined;

  constructor(running: Cluster) {
    this.#cluster = running;
    this.#model = new Model(running.nodes.length);
  }

  async step(step: Step): Promise<void> {
    switch (step.kind) {
      case "open": {
        const client = await this.#cluster.connectClient(step.node, step.query);
        const data = Object.fromEntries(
          [...parseQuery(step.query.slice(1))].map(([key, item]) => [
            key,
            typeof item === "string" ? item : null,
          ]),
        );
        this.#model.open(step.node, client.id, data);
        this.#open.set(client.id, client);
        this.#ids.push(client.id);
        return;
      }
      case "close": {
        const client = this.#open.get(this.#ids[step.which] ?? "");
        if (client !== undefined) {
          await this.#close(client, step.abruptly);
        }
        return;
      }
      case "freeze":
        return this.#freeze(step.center);
      case "restart":
        return this.#restart(step.center);
      case "call":
        return this.#call(step);
    }
  }

  async end(): Promise<void> {
    this.#thaw();
    for (const client of this.#open.values()) {
      client.socket.terminate();
      await client.closed;
    }
    for (const node of this.#cluster.nodes.keys()) {
      await until(`node ${node} is empty`, async () => {
        const answer = await this.#cluster.atNode(node, { path: "/?event=getConnectionCount" });
        return dataOf(answer)["getConnectionCount"] === 0 ? true : undefined;
      });
    }
  }

  /** Stops one center; a second freeze lets the first go on, and the next call through it comes at once. */
  #freeze(center: number): void {
    const thawed = this.#frozen;
    this.#thaw();
    if (thawed === undefined) {
      at(this.#cluster.centers, center).signal("SIGSTOP");
      this.#frozen = center;
    }
  }

  #thaw(): void {
    if (this.#frozen !== undefined) {
      at(this.#cluster.centers, this.#frozen).signal("SIGCONT");
      this.#frozen = undefined;
    }
  }

  async #restart(center: number): Promise<void> {
    this.#thaw();
    const child = at(this.#cluster.centers, center);
    child.signal("SIGKILL");
    await child.exited;
    this.#cluster.startCenter(center);
    await this.#cluster.ready();
  }

  async #close(client: Client, abruptly: boolean): Promise<void> {
    if (abruptly) {
      client.socket.terminate();
      await client.closed;
    } else {
      await client.close();
    }
    await this.#cluster.gone(client);
    this.#open.delete(client.id);
    this.#model.close(client.id);
  }

  async #call(step: Extract<Step, { kind: "call" }>): Promise<void> {
    const { ask, fields } = requestOf(step, this.#ids);
    const port = step.port === this.#frozen ? 1 - step.port : step.port;
    const place = port < 2 ? "center" : port - 2;
    const expected = this.#model.apply(place, fields.get("event"), fields);
    const answer = await (place === "center"
      ? this.#cluster.atCenter(port, ask)
      : this.#cluster.atNode(place, ask));
    const called = `${ask.method ?? "GET"} at ${place} (door ${port}) ${ask.path} ${String(ask.body ?? "")}`;
    const json: Json = parse(answer);
    const wrong = wrongAnswer(json, expected, place, this.#cluster.nodeIds);
    if (answer.status !== 200 || wrong !== undefined) {
      throw new Error(`${called}\ncame: ${answer.status} ${answer.text.slice(0, 3_000)}\n${wrong}`);
    }
    const sends = expected.kind === "answer" ? expected.sends : [];
    const closes = expected.kind === "answer" ? expected.closes : [];
    const came = new Map<string, string[]>();
    for (const close of closes) {
      came.set(close.connection, await this.#closedByServer(close, called));
    }
    for (const client of this.#open.values()) {
      came.set(client.id, await client.flushAndTake());
    }
    if (!framesFit(sends.flat(), came)) {
      throw new Error(`${called}\nframes: ${JSON.stringify([...came])}\nwanted: ${JSON.stringify(sends)}`);
    }
  }

  async #closedByServer({ connection, reason }: Close, called: string): Promise<string[]> {
    const client = this.#open.get(connection);
    if (client === undefined) {
      throw new Error(`${called}\nthe model closes ${connection}, which is not open`);
    }
    const closed = await client.closed;
    if (closed.code !== 4500 || closed.reason !== reason) {
      throw new Error(
        `${called}\n${connection} was closed with ${JSON.stringify(closed)}, not 4500 ${reason}`,
      );
    }
    await this.#cluster.gone(client);
    this.#open.delete(connection);
    return client.take();
  }
}
