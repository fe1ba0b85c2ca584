import { describe, expect, test } from "vitest";
import { at } from "./cluster.js";
import { freePorts } from "../free-ports.js";
import { Child } from "./child.js";
import { dataOf, parse } from "./http.js";
import type { Json } from "./http.js";
import { useCluster } from "./use-cluster.js";

describe("a center without nodes", () => {
  const cluster = useCluster({ centers: 1, nodes: 0 });

  test("answers with empty master_ids and data", async () => {
    const answer = await cluster().atCenter(0, { path: "/?event=getIds,nope,bindId" });
    expect(parse(answer)).toEqual({
      code: 0,
      msg: "ok",
      extra: [],
      master_ids: [],
      data: { getIds: {}, nope: {}, bindId: {} },
    });
  });

  test("says by itself what fails as a whole", async () => {
    expect(parse(await cluster().atCenter(0, { path: "/" }))).toEqual({
      code: 1,
      msg: "event error",
      data: [],
    });
  });

  test("answers /livez", async () => {
    expect((await cluster().atCenter(0, { path: "/livez" })).status).toBe(200);
  });
});

describe("one center and five nodes", () => {
  const cluster = useCluster({ centers: 1, nodes: 5 });

  test("give each node its place", async () => {
    const answer = await cluster().atCenter(0, { path: "/?event=get_IdCount" });
    expect(parse(answer)).toMatchObject({
      data: { get_IdCount: Object.fromEntries(cluster().nodeIds.map((id) => [id, 0])) },
    });
    expect(new Set(cluster().nodeIds).size).toBe(5);
    expect(cluster().nodeIds.every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true);
  });
});

describe("nodes that are told one of three centers", () => {
  const cluster = useCluster({ centers: 3, nodes: 2, nodesAreTold: "first" });

  test("register with the others that it tells of, under the same ids", async () => {
    for (const center of [0, 1, 2]) {
      expect((await cluster().listedNodes(center)).toSorted()).toEqual(cluster().nodeIds.toSorted());
      expect(parse(await cluster().atCenter(center, { path: "/?event=getIds" }))).toMatchObject({ code: 0 });
    }
  });
});

const secret = (letter: string): string => letter.repeat(32);

describe("centers and nodes of which each proves itself with the other's second secret", () => {
  const cluster = useCluster({
    centerEnv: { WSC_LINK_SECRET: `${secret("a")},${secret("b")}` },
    nodeEnv: { WSC_LINK_SECRET: `${secret("b")},${secret("a")}` },
  });

  test("find each other: so one secret replaces another", async () => {
    expect(parse(await cluster().atCenter(0, { path: "/?event=getIds" }))).toMatchObject({ code: 0 });
    expect(await cluster().listedNodes(1)).toHaveLength(2);
  });

  test("do not take a node that has another secret, or none", async () => {
    const ports = await freePorts(2);
    const env = { REGISTER_CENTER_PORT: String(at(cluster().ports.link, 0)) };
    const wrong = new Child("wrong", "node", {
      ...env,
      PORT: String(ports[0]),
      WSC_LINK_SECRET: secret("c"),
    });
    const none = new Child("none", "node", { ...env, PORT: String(ports[1]) });
    try {
      // Each tries, is refused and says so; then it tries again.
      for (const child of [wrong, none]) {
        await child.wrote(/secret/i);
      }
      expect((await cluster().listedNodes(0)).toSorted()).toEqual(cluster().nodeIds.toSorted());
    } finally {
      await Promise.all([wrong.stop(), none.stop()]);
    }
  });
});

describe("a process that is asked for more than it may", () => {
  test.each([
    ["center", { WSC_HOST: "0.0.0.0" }, /WSC_LINK_SECRET/],
    ["center", { WSC_HOST: "::" }, /WSC_LINK_SECRET/],
    ["center", { WSC_HOST: "0.0.0.0", WSC_LINK_SECRET: secret("a"), WSC_INSECURE_LINK: "1" }, /TOKEN/],
    ["center", { WSC_HOST: "0.0.0.0", WSC_LINK_SECRET: secret("a"), TOKEN: "t" }, /WSC_INSECURE_LINK/],
    ["center", { WSC_LINK_SECRET: "too short" }, /WSC_LINK_SECRET/],
    ["center", { HTTP_PORT: "eighty" }, /HTTP_PORT/],
    ["center", { OTHER_REGISTER_CENTER_PORT: "a:b:c" }, /OTHER_REGISTER_CENTER_PORT/],
    ["node", { PORT: "70000" }, /PORT/],
    ["node", { REGISTER_CENTER_PORT: "8010,nowhere:port" }, /REGISTER_CENTER_PORT/],
    ["node", { WSC_LINK_SECRET: "too short" }, /WSC_LINK_SECRET/],
  ] as const)("(%s with %j) refuses to start and says what to set", async (command, env, names) => {
    const [link = 0, http = 0, port = 0] = await freePorts(3);
    const ports = { REGISTER_CENTER_PORT: String(link), HTTP_PORT: String(http), PORT: String(port) };
    const child = new Child("refusing", command, { ...ports, ...env });
    try {
      const { code } = await child.exited;
      expect(code).not.toBe(0);
      expect(child.output).toMatch(names);
    } finally {
      await child.stop();
    }
  });
});

describe("writes", () => {
  const cluster = useCluster();

  test("that were answered are seen through every other door at once", async () => {
    const clients = await Promise.all(
      Array.from({ length: 60 }, (_, index) => cluster().connectClient(index % 2)),
    );
    const ask = async (
      door: number,
      node: number,
      event: string,
      query: string,
    ): Promise<Json | undefined> => {
      const path = `/?event=${event}&${query}`;
      return door < 2
        ? (await cluster().values(door, { path }, event))[node]
        : dataOf(await cluster().atNode(node, { path }))[event];
    };
    await Promise.all(
      clients.map(async ({ id, node }, index) => {
        for (let round = 0; round < 6; round += 1) {
          const user = `user ${index} ${round}`.replaceAll(" ", "+");
          const written = await ask(
            (index + round) % 3,
            node,
            "bindId",
            `bindId[id]=${user}&bindId[_id]=${id}`,
          );
          const seen = [0, 1, 2].map((door) => ask(door, node, "isOnlineId", `isOnlineId[id]=${user}`));
          expect([written, ...(await Promise.all(seen))]).toEqual([0, true, true, true]);
          const sent = [0, 1].map((door) =>
            ask(door, node, "sendMessageToId", `sendMessageToId[]=${user}&sendMessageToId[]=x`),
          );
          expect(await Promise.all(sent)).toEqual([1, 1]);
          const undone = await ask((index + round + 1) % 3, node, "unBindId", `unBindId[id]=${user}`);
          const gone = [0, 1, 2].map((door) => ask(door, node, "isOnlineId", `isOnlineId[id]=${user}`));
          expect([undone, ...(await Promise.all(gone))]).toEqual([0, false, false, false]);
        }
      }),
    );
  });
});
