import { once } from "node:events";
import { expect, test } from "vitest";
import { dataOf } from "./http.js";
import { useCluster } from "./use-cluster.js";

const cluster = useCluster();

test("any path upgrades, and the handshake's query is kept", async () => {
  const client = await cluster().connectClient(0, "any/path?name=%E7%94%A8+1&a=1&a=2");
  const path = `/?event=get_IdData&get_IdData[_id]=${client.id}`;
  expect(await cluster().values(1, { path }, "get_IdData")).toEqual([{ name: "用 1", a: "2" }, {}]);
  await client.close();
});

test("connection ids are 32 lower-case hex characters and never the same", async () => {
  const clients = await Promise.all(
    Array.from({ length: 20 }, (_, index) => cluster().connectClient(index % 2)),
  );
  expect(new Set(clients.map(({ id }) => id)).size).toBe(20);
  await Promise.all(clients.map((client) => client.close()));
});

test("a text or binary ping is answered with a text pong", async () => {
  const client = await cluster().connectClient(1);
  const pong = `{"cmd":"pong","_id":"${client.id}"}`;
  client.socket.send(Buffer.from("ping"), { binary: true });
  await once(client.socket, "message");
  expect(client.take()).toEqual([pong]);
  client.socket.send("ping", { binary: false });
  await once(client.socket, "message");
  expect(client.take()).toEqual([pong]);
  await client.close();
});

test("a ping in two fragments is a ping", async () => {
  const client = await cluster().connectClient(1);
  client.socket.send("pi", { fin: false });
  client.socket.send("ng", { fin: true });
  await once(client.socket, "message");
  expect(client.take()).toEqual([`{"cmd":"pong","_id":"${client.id}"}`]);
  await client.close();
});

test("other messages bring nothing back", async () => {
  const client = await cluster().connectClient(1);
  for (const text of ["PING", "ping ", "", "pingping", '{"cmd":"ping"}', "用户"]) {
    client.socket.send(text);
  }
  expect(await client.flushAndTake()).toEqual([]);
  await client.close();
});

test("a ping frame is answered with a pong frame that carries its bytes", async () => {
  const client = await cluster().connectClient(0);
  client.socket.ping("123");
  const [data] = (await once(client.socket, "pong")) as [Buffer];
  expect(data.toString()).toBe("123");
  await client.close();
});

test.each([
  [1000, ""],
  [1001, "away"],
  [3001, "用户"],
  [4999, "x"],
])("a client that closes with %i gets that code back", async (code, reason) => {
  const client = await cluster().connectClient(0);
  expect((await client.close(code, reason)).code).toBe(code);
});

test("what back ends send comes as text frames in order, whoever sends", async () => {
  const client = await cluster().connectClient(0);
  const texts = Array.from({ length: 100 }, (_, index) => `message ${index}`);
  for (const text of texts) {
    const path = `/?event=sendMessageTo_Id&sendMessageTo_Id[_id]=${client.id}&sendMessageTo_Id[msg]=${text.replace(" ", "+")}`;
    expect(dataOf(await cluster().atCenter(0, { path }))).toHaveProperty("sendMessageTo_Id");
  }
  expect(await client.flushAndTake()).toEqual(texts);
  await client.close();
});

test("a closed connection's binding and groups leave at once everywhere", async () => {
  const client = await cluster().connectClient(0);
  const body = JSON.stringify({ bindId: ["leaver", client.id], joinGroupById: ["lobby", "leaver"] });
  await cluster().atCenter(0, { path: "/?event=bindId,joinGroupById", body });
  await client.close();
  await cluster().gone(client);
  for (const center of [0, 1]) {
    const path = "/?event=isOnlineId,getGroup_IdCount&isOnlineId[id]=leaver&getGroup_IdCount[groupId]=lobby";
    expect(await cluster().values(center, { path }, "isOnlineId")).toEqual([false, false]);
    expect(await cluster().values(center, { path }, "getGroup_IdCount")).toEqual([0, 0]);
  }
});

test("unbinding keeps the groups", async () => {
  const client = await cluster().connectClient(0);
  const body = JSON.stringify({ bindId: ["u", client.id], joinGroupById: ["lobby", "u"], unBindId: ["u"] });
  await cluster().atCenter(0, { path: "/?event=bindId,joinGroupById,unBindId", body });
  const path = `/?event=isInGroupBy_Id&isInGroupBy_Id[groupId]=lobby&isInGroupBy_Id[_id]=${client.id}`;
  expect(await cluster().values(1, { path }, "isInGroupBy_Id")).toEqual([true, false]);
  await client.close();
});

test("closeById closes all of a user's connections, on every node, with 4500 and the reason", async () => {
  const clients = await Promise.all([0, 0, 1].map((node) => cluster().connectClient(node)));
  const other = await cluster().connectClient(0);
  for (const { id } of clients) {
    await cluster().atCenter(0, { path: `/?event=bindId&bindId[id]=out&bindId[_id]=${id}` });
  }
  const path = "/?event=closeById&closeById[id]=out&closeById[reason]=logged+out";
  expect(await cluster().values(1, { path }, "closeById")).toEqual([2, 1]);
  for (const client of clients) {
    expect(await client.closed).toEqual({ code: 4500, reason: "logged out" });
    await cluster().gone(client);
  }
  expect(await cluster().values(1, { path }, "closeById")).toEqual([0, 0]);
  expect(await other.flushAndTake()).toEqual([]);
  const one = `/?event=closeBy_Id&closeBy_Id[_id]=${other.id}`;
  expect(await cluster().values(0, { path: one }, "closeBy_Id")).toEqual([1, 0]);
  expect(await other.closed).toEqual({ code: 4500, reason: "" });
});

test("sendMessageToGroupByOnlyId reaches every group of the user on every node, each connection once", async () => {
  const clients = await Promise.all([0, 0, 1, 1].map((node) => cluster().connectClient(node)));
  const [a, b, c, d] = clients;
  const steps: [string, object][] = [
    ["bindId", { bindId: ["u", a?.id] }],
    ["joinGroupBy_Id", { joinGroupBy_Id: ["g1", a?.id] }],
    ["joinGroupBy_Id", { joinGroupBy_Id: ["g2", a?.id] }],
    ["joinGroupBy_Id", { joinGroupBy_Id: ["g1", c?.id] }],
    ["joinGroupBy_Id", { joinGroupBy_Id: ["g2", c?.id] }],
    ["joinGroupBy_Id", { joinGroupBy_Id: ["g2", b?.id] }],
    ["joinGroupBy_Id", { joinGroupBy_Id: ["g3", d?.id] }],
  ];
  for (const [event, body] of steps) {
    await cluster().atCenter(0, { path: `/?event=${event}`, body: JSON.stringify(body) });
  }
  const event = "sendMessageToGroupByOnlyId";
  const body = JSON.stringify({ [event]: { id: "u", msg: "x" } });
  expect(await cluster().values(1, { path: `/?event=${event}`, body }, event)).toEqual([2, 1]);
  const frames = await Promise.all(clients.map((client) => client.flushAndTake()));
  expect(frames).toEqual([["x"], ["x"], ["x"], []]);
  await Promise.all(clients.map((client) => client.close()));
});
