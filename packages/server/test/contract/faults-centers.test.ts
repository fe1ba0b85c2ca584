import { describe, expect, test } from "vitest";
import { until } from "./child.js";
import { at } from "./cluster.js";
import { dataOf, isFailure, isObject, parse } from "./http.js";
import { useCluster } from "./use-cluster.js";

describe("a center that is killed", () => {
  const cluster = useCluster();

  test("is noticed neither by clients nor by the other center, and lists the nodes again once restarted", async () => {
    const clients = await Promise.all([0, 1].map((node) => cluster().connectClient(node)));
    const ids = clients.map(({ id }) => id);
    const count = { path: "/?event=get_Ids" };
    expect(await cluster().values(0, count, "get_Ids")).toEqual(ids.map((id) => [id]));
    at(cluster().centers, 0).signal("SIGKILL");
    await at(cluster().centers, 0).exited;
    await expect(cluster().atCenter(0, count)).rejects.toThrow(/ECONNREFUSED|ECONNRESET|hang up/);

    // Reads, changes and sends go on at the other center and at the nodes.
    expect(await cluster().values(1, count, "get_Ids")).toEqual(ids.map((id) => [id]));
    for (const [node, id] of ids.entries()) {
      const bind = `/?event=bindId&bindId[id]=user${node}&bindId[_id]=${id}`;
      expect(await cluster().values(1, { path: bind }, "bindId")).toEqual(node === 0 ? [0, 2] : [2, 0]);
      const join = `/?event=joinGroupById&joinGroupById[groupId]=room&joinGroupById[id]=user${node}`;
      expect(dataOf(await cluster().atNode(node, { path: join }))).toEqual({ joinGroupById: 0 });
    }
    const send = { path: "/?event=sendToGroup&sendToGroup[groupId]=room&sendToGroup[msg]=on" };
    expect(await cluster().values(1, send, "sendToGroup")).toEqual([1, 1]);
    for (const client of clients) {
      expect(await client.flushAndTake()).toEqual(["on"]);
    }

    cluster().startCenter(0);
    await cluster().ready();
    expect((await cluster().listedNodes(0)).toSorted()).toEqual(cluster().nodeIds.toSorted());
    expect(await cluster().values(0, send, "sendToGroup")).toEqual([1, 1]);
    const who = { path: "/?event=isOnlineId&isOnlineId[id]=user0" };
    expect(await cluster().values(0, who, "isOnlineId")).toEqual([true, false]);
    for (const client of clients) {
      expect(await client.flushAndTake()).toEqual(["on"]);
    }
  });

  test("may be killed again and again, in turns", async () => {
    const client = await cluster().connectClient(0);
    for (const index of [1, 0, 1]) {
      at(cluster().centers, index).signal("SIGKILL");
      await at(cluster().centers, index).exited;
      const path = `/?event=sendMessageTo_Id&sendMessageTo_Id[_id]=${client.id}&sendMessageTo_Id[msg]=x`;
      expect(await cluster().values(1 - index, { path }, "sendMessageTo_Id")).toEqual([1, 0]);
      cluster().startCenter(index);
      await cluster().ready();
    }
    expect(await client.flushAndTake()).toEqual(["x", "x", "x"]);
  });
});

describe("both centers", () => {
  const cluster = useCluster();

  test("may be gone for a while: clients stay, nodes serve their own ports and come back", async () => {
    const client = await cluster().connectClient(0);
    for (const center of cluster().centers) {
      center.signal("SIGKILL");
      await center.exited;
    }
    const bind = `/?event=bindId&bindId[id]=lonely&bindId[_id]=${client.id}`;
    expect(dataOf(await cluster().atNode(0, { path: bind }))).toEqual({ bindId: 0 });
    expect(await client.flushAndTake()).toEqual([]);
    cluster().startCenter(0);
    cluster().startCenter(1);
    await cluster().ready();
    for (const center of [0, 1]) {
      const path = "/?event=getBind_IdsById&getBind_IdsById[id]=lonely";
      expect(await cluster().values(center, { path }, "getBind_IdsById")).toEqual([[client.id], []]);
    }
  });
});

describe("a frozen center", () => {
  const cluster = useCluster();

  test("stops no change made through the other, which both tell once it goes on", async () => {
    const client = await cluster().connectClient(0);
    at(cluster().centers, 0).signal("SIGSTOP");
    try {
      for (const user of ["a", "b", "c"]) {
        const path = `/?event=bindId,unBind_Id&bindId[id]=${user}&bindId[_id]=${client.id}&unBind_Id[_id]=${client.id}`;
        expect(await cluster().values(1, { path }, "bindId")).toEqual([0, 2]);
      }
      const path = `/?event=bindId&bindId[id]=last&bindId[_id]=${client.id}`;
      expect(await cluster().values(1, { path }, "bindId")).toEqual([0, 2]);
    } finally {
      at(cluster().centers, 0).signal("SIGCONT");
    }
    for (const center of [0, 1]) {
      const path = "/?event=isOnlineId&isOnlineId[id]=last";
      expect(await cluster().values(center, { path }, "isOnlineId")).toEqual([true, false]);
    }
  });
});

describe("a center that is told to end", () => {
  const cluster = useCluster();

  test("answers the call that it is at, exits with 0, and disturbs nobody", async () => {
    const witness = await cluster().connectClient(0);
    const other = await cluster().connectClient(1);
    at(cluster().nodes, 1).signal("SIGSTOP");
    try {
      const answer = cluster().atCenter(0, { path: "/?event=broadcast&broadcast[msg]=last&timeoutMs=3000" });
      await until("the call is on its way", async () =>
        (await witness.flushAndTake()).includes("last") ? true : undefined,
      );
      at(cluster().centers, 0).signal("SIGTERM");
      const places = dataOf(await answer)["broadcast"];
      const [here = "", there = ""] = cluster().nodeIds;
      expect(isObject(places) ? places[here] : places).toBe(1);
      expect(isObject(places) ? places[there] : places).toSatisfy(isFailure);
      expect(await at(cluster().centers, 0).exited).toEqual({ code: 0, signal: null });
    } finally {
      at(cluster().nodes, 1).signal("SIGCONT");
    }
    await until("the other center gets all answers", async () => {
      const values = await cluster().values(1, { path: "/?event=get_IdCount" }, "get_IdCount");
      return values.some(isFailure) ? undefined : values;
    });
    await witness.flush();
    await other.flush();
    await expect(cluster().atCenter(0, { path: "/" })).rejects.toThrow(/ECONNREFUSED|ECONNRESET|hang up/);
  });

  test("answers every call of many that it has accepted, or refuses the connection", async () => {
    const path = "/?event=get_IdCount";
    const calls = Array.from({ length: 40 }, () => cluster().atCenter(1, { path }));
    await calls[0];
    at(cluster().centers, 1).signal("SIGTERM");
    for (const call of await Promise.allSettled(calls)) {
      if (call.status === "fulfilled") {
        expect(call.value.status === 503 || parse(call.value)).toBeTruthy();
      } else {
        expect(String(call.reason)).toMatch(/ECONNREFUSED|ECONNRESET|hang up/);
      }
    }
    expect(await at(cluster().centers, 1).exited).toEqual({ code: 0, signal: null });
  });
});
