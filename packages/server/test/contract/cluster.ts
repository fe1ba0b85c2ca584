import type { ClientOptions } from "ws";
import { freePorts } from "../free-ports.js";
import { Child, until } from "./child.js";
import { Client } from "./client.js";
import { dataOf, HttpClient, isObject, parse } from "./http.js";
import type { Answer, Ask, Json } from "./http.js";

export interface ClusterOptions {
  /** How many centers; 2 where not given. */
  readonly centers?: number;
  /** How many nodes; 2 where not given. */
  readonly nodes?: number;
  /** Environment of every process. */
  readonly env?: Readonly<Record<string, string>>;
  readonly centerEnv?: Readonly<Record<string, string>>;
  readonly nodeEnv?: Readonly<Record<string, string>>;
  /** The centers that nodes are told by environment; the others they hear of at the first. */
  readonly nodesAreTold?: "all" | "first";
}

interface Ports {
  readonly link: readonly number[];
  readonly http: readonly number[];
  readonly client: readonly number[];
}

/** Centers and nodes as processes of their own, started by environment only, on 127.0.0.1. */
export class Cluster {
  readonly ports: Ports;
  readonly centers: Child[] = [];
  readonly nodes: Child[] = [];
  readonly nodeIds: string[] = [];
  readonly #http = new HttpClient();
  readonly #clients = new Set<Client>();
  readonly #all = new Set<Child>();
  readonly #options: ClusterOptions;
  readonly #token: string | undefined;

  private constructor(options: ClusterOptions, ports: Ports) {
    this.#options = options;
    this.ports = ports;
    this.#token = (options.centerEnv?.["TOKEN"] ?? options.env?.["TOKEN"])?.split(",")[0];
  }

  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const centers = options.centers ?? 2;
    const nodes = options.nodes ?? 2;
    for (let attempt = 1; ; attempt += 1) {
      const ports = await freePorts(2 * centers + nodes);
      const cluster = new Cluster(options, {
        link: ports.slice(0, centers),
        http: ports.slice(centers, 2 * centers),
        client: ports.slice(2 * centers),
      });
      try {
        cluster.ports.http.forEach((_, index) => cluster.startCenter(index));
        cluster.ports.client.forEach((_, index) => cluster.startNode(index));
        await Promise.race([cluster.ready(), cluster.#firstExit()]);
        await cluster.learnNodeIds();
        return cluster;
      } catch (error) {
        await cluster.stop();
        // Another process may have taken a port between finding and using it.
        if (attempt === 3 || !/EADDRINUSE/.test(cluster.logs())) {
          throw new Error(`the cluster did not start\n${cluster.logs()}`, { cause: error });
        }
      }
    }
  }

  startCenter(index: number): void {
    const others = this.ports.link.filter((_, other) => other !== index);
    const child = new Child(`center ${index}`, "center", {
      REGISTER_CENTER_PORT: String(this.ports.link[index]),
      HTTP_PORT: String(this.ports.http[index]),
      ...(others.length === 0 ? {} : { OTHER_REGISTER_CENTER_PORT: others.join(",") }),
      ...this.#options.env,
      ...this.#options.centerEnv,
    });
    this.centers[index] = child;
    this.#all.add(child);
  }

  startNode(index: number): void {
    const told = this.#options.nodesAreTold === "first" ? this.ports.link.slice(0, 1) : this.ports.link;
    const child = new Child(`node ${index}`, "node", {
      REGISTER_CENTER_PORT: told.join(","),
      PORT: String(this.ports.client[index]),
      ...this.#options.env,
      ...this.#options.nodeEnv,
    });
    this.nodes[index] = child;
    this.#all.add(child);
  }

  /** Resolves when each of the centers lists `count` nodes. */
  async ready(count = this.ports.client.length, centers = this.ports.http.keys()): Promise<void> {
    for (const center of centers) {
      await until(`center ${center} lists ${count} nodes`, async () =>
        (await this.listedNodes(center)).length === count ? true : undefined,
      );
    }
  }

  async listedNodes(center: number): Promise<string[]> {
    const headers = this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` };
    const json = parse(await this.atCenter(center, { path: "/nodes", headers }));
    const nodes = isObject(json) ? json["nodes"] : undefined;
    if (!Array.isArray(nodes)) {
      throw new Error(`GET /nodes gave ${JSON.stringify(json).slice(0, 200)}`);
    }
    return nodes.map((node) => (isObject(node) && typeof node["id"] === "string" ? node["id"] : ""));
  }

  /** Fills `nodeIds` in the order of the client ports: who says true knows the connection. */
  async learnNodeIds(): Promise<void> {
    const headers = this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` };
    for (const index of this.ports.client.keys()) {
      const probe = await this.connectClient(index);
      const path = `/?event=isOnline_Id&isOnline_Id[_id]=${probe.id}`;
      const whoKnows = async (): Promise<string | undefined> => {
        const places = dataOf(await this.atCenter(0, { path, headers }))["isOnline_Id"] ?? null;
        return Object.entries(places as { [key: string]: Json }).find(([, value]) => value === true)?.[0];
      };
      this.nodeIds[index] = await until(`node ${index} knows its connection`, whoKnows);
      await probe.close();
      await until("the probe is gone", async () => ((await whoKnows()) === undefined ? true : undefined));
    }
  }

  atCenter(center: number, ask: Ask = {}): Promise<Answer> {
    return this.#http.ask(at(this.ports.http, center), ask);
  }

  atNode(node: number, ask: Ask = {}): Promise<Answer> {
    return this.#http.ask(at(this.ports.client, node), ask);
  }

  /** The value of one event at each node, by index; failures as they came. */
  async values(center: number, ask: Ask, event: string): Promise<Json[]> {
    const places = dataOf(await this.atCenter(center, ask))[event];
    if (!isObject(places)) {
      throw new Error(`data.${event} is ${JSON.stringify(places)}`);
    }
    return this.nodeIds.map((id) => places[id] ?? null);
  }

  async connectClient(node: number, query = "", options: ClientOptions = {}): Promise<Client> {
    const port = at(this.ports.client, node);
    const client = await Client.open(node, `ws://127.0.0.1:${port}/${query}`, options);
    this.#clients.add(client);
    void client.closed.then(() => this.#clients.delete(client));
    return client;
  }

  /** Resolves once the node no longer knows the connection. */
  async gone(client: Client): Promise<void> {
    const path = `/?event=isOnline_Id&isOnline_Id[_id]=${client.id}`;
    await until(`${client.id} leaves the node`, async () =>
      dataOf(await this.atNode(client.node, { path }))["isOnline_Id"] === false ? true : undefined,
    );
  }

  logs(): string {
    return [...this.#all]
      .map(
        ({ name, pid, exit, output }) => `--- ${name}, pid ${pid}, exit ${JSON.stringify(exit)}\n${output}`,
      )
      .join("\n");
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) {
      client.socket.terminate();
    }
    this.#http.close();
    await Promise.all([...this.#all].map((child) => child.stop()));
  }

  async #firstExit(): Promise<never> {
    const started = [...this.#all];
    const first = await Promise.race(started.map((child) => child.exited.then(() => child)));
    throw new Error(`${first.name} ended while the cluster started: ${JSON.stringify(first.exit)}`);
  }
}

export function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) {
    throw new Error(`there is no item ${index} of ${list.length}`);
  }
  return item;
}
