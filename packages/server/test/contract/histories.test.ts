import fc from "fast-check";
import { test } from "vitest";
import { until } from "./child.js";
import type { Client } from "./client.js";
import type { Cluster } from "./cluster.js";
import { framesFit, wrongAnswer } from "./expectations.js";
import { requestOf } from "./history-requests.js";
import { bound, opened, steps } from "./history-steps.js";
import type { Step } from "./history-steps.js";
import { dataOf, parse } from "./http.js";
import type { Json } from "./http.js";
import { Model } from "./model.js";
import type { Close } from "./model.js";
import { useCluster } from "./use-cluster.js";
import { parseQuery } from "./values.js";

const cluster = useCluster();

/** One history on a cluster that has no connection yet, beside the model of it. */
class History {
  readonly #cluster: Cluster;
  readonly #model: Model;
  readonly #open = new Map<string, Client>();
  /** All connections that ever were, so that calls name closed ones too. */
  readonly #ids: string[] = [];

  constructor(running: Cluster) {
    this.#cluster = running;
    this.#model = new Model(running.nodes.length);
  }

  async step(step: Step): Promise<void> {
    switch (step.kind) {
      case "open": {
        const client = await this.#cluster.connectClient(step.node, step.query);
        const data = Object.fromEntries(
          [...parseQuery(step.query.slice(1))].map(([key, item]) => [key, String(item)]),
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
      case "call":
        return this.#call(step);
    }
  }

  async end(): Promise<void> {
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
    const place = step.port < 2 ? "center" : step.port - 2;
    const expected = this.#model.apply(place, fields.get("event"), fields);
    const answer = await (place === "center"
      ? this.#cluster.atCenter(step.port, ask)
      : this.#cluster.atNode(place, ask));
    const called = `${ask.method ?? "GET"} at ${place} ${ask.path} ${String(ask.body ?? "")}`;
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

test(
  "any history of calls, openings and closings gives what the contract says",
  { timeout: 120_000 },
  async () => {
    // To replay a failure: WSC_TEST_SEED and WSC_TEST_PATH as the failure printed them.
    const { WSC_TEST_SEED: seed, WSC_TEST_PATH: path } = process.env;
    const replay = seed === undefined ? {} : { seed: Number(seed), ...(path === undefined ? {} : { path }) };
    await fc.assert(
      fc.asyncProperty(fc.boolean(), steps, async (settled, history) => {
        const running = new History(cluster());
        try {
          for (const step of [...opened, ...(settled ? bound : []), ...history]) {
            await running.step(step);
          }
        } finally {
          await running.end();
        }
      }),
      { numRuns: Number(process.env["WSC_TEST_RUNS"] ?? 150), interruptAfterTimeLimit: 45_000, ...replay },
    );
  },
);
