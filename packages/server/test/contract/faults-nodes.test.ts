import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { until } from "./child.js";
import type { Client } from "./client.js";
import { at } from "./cluster.js";
import type { Cluster } from "./cluster.js";
import { dataOf, isFailure, isObject, parse } from "./http.js";
import type { Answer, Json } from "./http.js";
import { open, openByHand, residentMib, write } from "./tcp.js";
import { useCluster } from "./use-cluster.js";

/** Resolves with the values at each node once none of them is a failure. */
function complete(cluster: Cluster, center: number): Promise<Json[]> {
  return until(`center ${center} gets answers of all`, async () => {
    const values = await cluster.values(center, { path: "/?event=get_IdCount" }, "get_IdCount");
    return values.some(isFailure) ? undefined : values;
  });
}

function place(answer: Answer, event: string, nodeId: string): Json {
  const places = dataOf(answer)[event];
  return isObject(places) ? (places[nodeId] ?? null) : null;
}

/** A call that is on its way: its message has reached the node that lives, the other has not answered. */
async function callInFlight(
  cluster: Cluster,
  center: number,
  witness: Client,
  timeoutMs: number,
): Promise<{ answer: Promise<Answer> }> {
  const path = `/?event=broadcast&broadcast[msg]=in+flight&timeoutMs=${timeoutMs}`;
  const answer = cluster.atCenter(center, { path });
  await until("the witness has the message", async () =>
    (await witness.flushAndTake()).includes("in flight") ? true : undefined,
  );
  return { answer };
}

describe("a frozen node", () => {
  const cluster = useCluster();
  let living: Client;
  let frozen: Client;

  beforeAll(async () => {
    living = await cluster().connectClient(0);
    frozen = await cluster().connectClient(1);
  });

  beforeEach(async () => {
    await complete(cluster(), 0);
    await complete(cluster(), 1);
    await living.flushAndTake();
  });

  test("outlives no call, leaves the others' answers, and is served again once it goes on", async () => {
    const node = at(cluster().nodes, 1);
    const path = "/?event=get_Ids&timeoutMs=1500";
    const during = Array.from({ length: 20 }, (_, index) => cluster().atCenter(index % 2, { path }));
    node.signal("SIGSTOP");
    try {
      const after = Array.from({ length: 20 }, (_, index) => cluster().atCenter(index % 2, { path }));
      for (const answer of await Promise.all(during)) {
        expect(place(answer, "get_Ids", at(cluster().nodeIds, 0))).toEqual([living.id]);
      }
      for (const answer of await Promise.all(after)) {
        const json = parse(answer) as { master_ids: string[] };
        expect(json.master_ids.toSorted()).toEqual(cluster().nodeIds.toSorted());
        expect(place(answer, "get_Ids", at(cluster().nodeIds, 0))).toEqual([living.id]);
        expect(place(answer, "get_Ids", at(cluster().nodeIds, 1))).toSatisfy(isFailure);
      }
    } finally {
      node.signal("SIGCONT");
    }
    for (const center of [0, 1]) {
      expect(await complete(cluster(), center)).toEqual([1, 1]);
    }
    // Not one failure more, although no call may take longer than this.
    for (let count = 0; count < 50; count += 1) {
      const quick = { path: "/?event=get_IdCount&timeoutMs=2000" };
      expect(await cluster().values(count % 2, quick, "get_IdCount")).toEqual([1, 1]);
    }
  });

  test("fails alone in a batch, each event in its place", async () => {
    const node = at(cluster().nodes, 1);
    node.signal("SIGSTOP");
    try {
      const body = JSON.stringify({
        broadcast: { msg: "half" },
        bindId: ["half", living.id],
        isOnlineId: ["half"],
      });
      const path = "/?event=broadcast,bindId,isOnlineId,nope&timeoutMs=1000";
      const answer = await cluster().atCenter(0, { path, body });
      const here = at(cluster().nodeIds, 0);
      expect(["broadcast", "bindId", "isOnlineId"].map((event) => place(answer, event, here))).toEqual([
        1,
        0,
        true,
      ]);
      expect(place(answer, "nope", here)).toSatisfy(isFailure);
      const there = at(cluster().nodeIds, 1);
      expect(place(answer, "broadcast", there)).toSatisfy(isFailure);
      expect(place(answer, "nope", there)).toSatisfy(isFailure);
      expect(await living.flushAndTake()).toEqual(["half"]);
    } finally {
      node.signal("SIGCONT");
    }
    await complete(cluster(), 0);
    await cluster().atCenter(0, { path: "/?event=unBindId&unBindId[id]=half" });
  });

  test("leaves sendMessageToGroupByOnlyId to the others, whose groups are known", async () => {
    const body = JSON.stringify({ bindId: ["talker", living.id], joinGroupById: ["talk", "talker"] });
    await cluster().atCenter(0, { path: "/?event=bindId,joinGroupById", body });
    const node = at(cluster().nodes, 1);
    node.signal("SIGSTOP");
    try {
      const event = "sendMessageToGroupByOnlyId";
      const path = `/?event=${event}&${event}[id]=talker&${event}[msg]=still&timeoutMs=1000`;
      expect(place(await cluster().atCenter(0, { path }), event, at(cluster().nodeIds, 0))).toBe(1);
      expect(await living.flushAndTake()).toEqual(["still"]);
    } finally {
      node.signal("SIGCONT");
    }
  });

  test("makes a center hold no more than some of what it cannot take", { timeout: 90_000 }, async () => {
    const center = at(cluster().centers, 0);
    const node = at(cluster().nodes, 1);
    const [here = "", there = ""] = cluster().nodeIds;
    const before = residentMib(center.pid);
    // To nobody: whether this busy process reads 10 MB in time is another matter.
    const params = { msg: "x".repeat(1_000_000), exclude_Ids: [living.id, frozen.id] };
    const body = JSON.stringify({ broadcast: params });
    node.signal("SIGSTOP");
    try {
      let peak = before;
      for (let round = 0; round < 25; round += 1) {
        const ask = { path: "/?event=broadcast&timeoutMs=2000", body };
        const answers = await Promise.all(Array.from({ length: 10 }, () => cluster().atCenter(0, ask)));
        for (const answer of answers) {
          expect(place(answer, "broadcast", there)).toSatisfy(isFailure);
        }
        expect(answers.some((answer) => place(answer, "broadcast", here) === 0)).toBe(true);
        peak = Math.max(peak, residentMib(center.pid));
      }
      expect(peak - before).toBeLessThan(200);
    } finally {
      node.signal("SIGCONT");
    }
    expect(await complete(cluster(), 0)).toEqual([1, 1]);
    await frozen.flushAndTake();
  });

  test("does not hold up the deadline of a second call behind the first", async () => {
    const node = at(cluster().nodes, 1);
    node.signal("SIGSTOP");
    try {
      const asks = [50, 500, 100, 1_000, 50].map((timeoutMs) =>
        cluster().atCenter(0, { path: `/?event=get_Ids&timeoutMs=${timeoutMs}` }),
      );
      for (const answer of await Promise.all(asks)) {
        expect(place(answer, "get_Ids", at(cluster().nodeIds, 1))).toSatisfy(isFailure);
      }
    } finally {
      node.signal("SIGCONT");
    }
    await complete(cluster(), 0);
    expect(await frozen.flushAndTake()).toBeDefined();
  });
});

describe("a node that is frozen until its links are given up", () => {
  const cluster = useCluster();

  test("comes back under its id, with its connections, users and groups", { timeout: 90_000 }, async () => {
    const client = await cluster().connectClient(1);
    const body = JSON.stringify({ bindId: ["sleeper", client.id], joinGroupById: ["dreams", "sleeper"] });
    await cluster().atCenter(0, { path: "/?event=bindId,joinGroupById", body });
    const node = at(cluster().nodes, 1);
    node.signal("SIGSTOP");
    try {
      for (const center of [0, 1]) {
        await until(
          "the center gives the node up",
          async () => ((await cluster().listedNodes(center)).length === 1 ? true : undefined),
          40_000,
        );
        const values = await cluster().values(center, { path: "/?event=get_IdCount" }, "get_IdCount");
        expect(values).toEqual([0, null]);
      }
    } finally {
      node.signal("SIGCONT");
    }
    await cluster().ready();
    for (const center of [0, 1]) {
      expect((await cluster().listedNodes(center)).toSorted()).toEqual(cluster().nodeIds.toSorted());
      const send = { path: "/?event=sendToGroup&sendToGroup[groupId]=dreams&sendToGroup[msg]=awake" };
      expect(await cluster().values(center, send, "sendToGroup")).toEqual([0, 1]);
      const who = { path: "/?event=getBind_IdsById&getBind_IdsById[id]=sleeper" };
      expect(await cluster().values(center, who, "getBind_IdsById")).toEqual([[], [client.id]]);
    }
    expect(await client.flushAndTake()).toEqual(["awake", "awake"]);
  });
});

describe("a node that is killed", () => {
  const cluster = useCluster();

  test("leaves a failure in its place, then the list; another takes its port under another id", async () => {
    const witness = await cluster().connectClient(0);
    const lost = await cluster().connectClient(1);
    const [here = "", there = ""] = cluster().nodeIds;
    const node = at(cluster().nodes, 1);
    node.signal("SIGSTOP");
    const { answer } = await callInFlight(cluster(), 0, witness, 60_000);
    node.signal("SIGKILL");
    // The deadline lies behind this test's own: only the node's end can settle the call.
    expect(place(await answer, "broadcast", here)).toBe(1);
    expect(place(await answer, "broadcast", there)).toSatisfy(isFailure);
    expect((await lost.closed).code).toBe(1006);
    await cluster().ready(1);
    for (const center of [0, 1]) {
      const json = parse(await cluster().atCenter(center, { path: "/?event=get_Ids" }));
      expect(json).toMatchObject({ master_ids: [here], data: { get_Ids: { [here]: [witness.id] } } });
    }
    cluster().startNode(1);
    await cluster().ready(2);
    await cluster().learnNodeIds();
    expect(at(cluster().nodeIds, 0)).toBe(here);
    expect(at(cluster().nodeIds, 1)).not.toBe(there);
    expect(await complete(cluster(), 0)).toEqual([1, 0]);
  });

  test("during many calls costs no call of the others", async () => {
    const witness = await cluster().connectClient(0);
    const [here = ""] = cluster().nodeIds;
    const path = `/?event=isOnline_Id&isOnline_Id[_id]=${witness.id}`;
    const calls = Array.from({ length: 200 }, (_, index) => cluster().atCenter(index % 2, { path }));
    await calls[0];
    at(cluster().nodes, 1).signal("SIGKILL");
    for (const answer of await Promise.all(calls)) {
      expect(place(answer, "isOnline_Id", here)).toBe(true);
    }
    await cluster().ready(1);
  });
});

describe("a node that is told to end", () => {
  const cluster = useCluster({ nodes: 3 });

  test("closes its clients with 1012, exits with 0 and leaves the lists", async () => {
    const clients = await Promise.all(Array.from({ length: 10 }, () => cluster().connectClient(1)));
    const other = await cluster().connectClient(0);
    at(cluster().nodes, 1).signal("SIGTERM");
    for (const client of clients) {
      expect((await client.closed).code).toBe(1012);
    }
    expect(await at(cluster().nodes, 1).exited).toEqual({ code: 0, signal: null });
    await cluster().ready(2);
    expect(await other.flushAndTake()).toEqual([]);
  });

  test("exits with 0 on SIGINT too, whatever connections there are that say nothing", async () => {
    const port = at(cluster().ports.client, 2);
    const silent = await cluster().connectClient(2);
    silent.socket.pause();
    const sockets = [await open(port), await open(port), (await openByHand(port)).socket];
    await write(
      at(sockets, 1),
      "POST /?event=getIds HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{",
    );
    sockets[2]?.pause();
    at(cluster().nodes, 2).signal("SIGINT");
    expect(await at(cluster().nodes, 2).exited).toEqual({ code: 0, signal: null });
    sockets.forEach((socket) => socket.destroy());
  });
});
