import { beforeAll, describe, expect, test } from "vitest";
import type { Client } from "./client.js";
import { at } from "./cluster.js";
import type { Cluster } from "./cluster.js";
import { differences, failure } from "./golden-differences.js";
import { cases, comparable, openFrames, recordedWish, wish } from "./golden.js";
import type { Wanted } from "./golden.js";
import { canonical, isFailure, isObject, parse } from "./http.js";
import type { Json } from "./http.js";
import { Model } from "./model.js";
import type { Outcome, Place } from "./model.js";
import { useCluster } from "./use-cluster.js";
import { fromPlain, isMap, parseQuery } from "./values.js";
import type { ValueMap } from "./values.js";

const names = openFrames.map(({ client }) => client);

test("every difference names a recorded case and differs from it", () => {
  const recorded = new Map(cases);
  for (const [key, difference] of Object.entries(differences)) {
    const found = recorded.get(key);
    expect(found, key).toBeDefined();
    if (found !== undefined) {
      expect(comparable(wish(found, difference)), key).not.toBe(comparable(recordedWish(found)));
    }
  }
});

describe("the model", () => {
  const model = new Model(2);
  for (const { client, port } of openFrames) {
    model.open(port - 8090, `<${client}>`, client === "C" ? { uid: "7", x: "1" } : {});
  }

  const asJson = (outcome: Outcome): Json =>
    outcome.kind === "value" ? outcome.value : outcome.kind === "list" ? [...outcome.items] : failure;

  test.each(cases)("agrees with %s", (key, recorded) => {
    const { port, path, body } = recorded.request;
    const query = parseQuery(path.slice(path.indexOf("?") + 1));
    const parsed: unknown = typeof body === "string" ? JSON.parse(body) : (body ?? {});
    const fields = fromPlain(parsed);
    const holder: ValueMap = new Map([...query, ...(isMap(fields) ? fields : [])]);
    const place: Place = port >= 8090 ? port - 8090 : "center";
    const expected = model.apply(place, holder.get("event"), holder);
    const frames: Record<string, string[]> = {};
    if (expected.kind === "answer") {
      for (const { to, text } of expected.sends.flat()) {
        to.forEach((id) => (frames[id.slice(1, -1)] ??= []).push(text));
      }
    }
    const data =
      expected.kind === "answer"
        ? Object.fromEntries([...expected.data].map(([event, outcomes]) => [event, outcomes.map(asJson)]))
        : undefined;
    expect(comparable({ data, frames })).toBe(comparable(wish(recorded, differences[key])));
  });
});

describe("the server", () => {
  const cluster = useCluster();
  const clients = new Map<string, Client>();

  beforeAll(async () => {
    for (const { client, port } of openFrames) {
      clients.set(client, await cluster().connectClient(port - 8090, client === "C" ? "?uid=7&x=1" : ""));
    }
  });

  const filled = (text: string): string =>
    names.reduce((result, name) => result.replaceAll(`<${name}>`, clients.get(name)?.id ?? ""), text);

  async function came(running: Cluster, index: number): Promise<Wanted> {
    const [, { request, response }] = at(cases, index);
    const { port, method, path, body } = request;
    const content = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
    const ask = {
      method,
      path: filled(path),
      ...(content === undefined
        ? {}
        : { body: filled(content), headers: { "content-type": "application/json" } }),
    };
    const atNode = port >= 8090;
    const answer = await (atNode
      ? running.atNode(port - 8090, ask)
      : running.atCenter((port - 8011) / 2, ask));
    expect(answer.status).toBe(response.status);
    const json = parse(answer);
    const frames: Record<string, string[]> = {};
    for (const [name, client] of clients) {
      const taken = await client.flushAndTake();
      if (taken.length > 0) {
        frames[name] = taken;
      }
    }
    if (isFailure(json)) {
      return { data: undefined, frames };
    }
    const { data, master_ids: masterIds, ...rest } = isObject(json) ? json : {};
    expect(rest).toEqual({ code: 0, msg: "ok", extra: [] });
    expect(
      Array.isArray(masterIds) ? canonical(masterIds.map((id) => JSON.stringify(id)).toSorted()) : masterIds,
    ).toEqual(atNode ? undefined : canonical(running.nodeIds.map((id) => JSON.stringify(id)).toSorted()));
    const places = (value: Json): readonly Json[] => {
      if (!atNode) {
        expect(isObject(value) ? Object.keys(value).toSorted() : value).toEqual(running.nodeIds.toSorted());
      }
      const ordered = atNode
        ? [value]
        : running.nodeIds.map((id) => (isObject(value) ? (value[id] ?? null) : null));
      return ordered.map((item) => (isFailure(item) ? failure : item));
    };
    const values = Object.entries(isObject(data) ? data : {});
    return { data: Object.fromEntries(values.map(([event, value]) => [event, places(value)])), frames };
  }

  test.each(cases.map(([key, recorded], index) => [key, recorded.name, index] as const))(
    "answers %s (%s)",
    async (key, _name, index) => {
      const [, recorded] = at(cases, index);
      const wanted = JSON.parse(filled(JSON.stringify(wish(recorded, differences[key])))) as Wanted;
      expect(comparable(await came(cluster(), index))).toBe(comparable(wanted));
    },
  );
});
