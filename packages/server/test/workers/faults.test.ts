import { afterEach, expect, test, vi } from "vitest";
import { ask, connectClient, startCenter } from "../cli/cluster.js";
import { endAll } from "../cli/command.js";
import {
  allGone,
  connectMany,
  handshakeStatus,
  isAlive,
  metric,
  registered,
  replaced,
  startHost,
  workerOf,
} from "./host.js";

afterEach(endAll);
vi.setConfig({ testTimeout: 60_000 });

test("a worker that is killed is replaced at its address, and clients of the others notice nothing", async () => {
  const center = await startCenter();
  const host = await startHost([center]);
  const clients = await connectMany(host.url, 9);
  const opened = await metric(host.admin, "wsc_connections_opened_total");
  const [victim] = host.workers();
  if (victim === undefined) throw new Error("there is no worker");
  const others = clients.filter(
    (client) => workerOf(host, client) !== victim && workerOf(host, client).worker !== 1,
  );
  const gone = clients.filter((client) => !others.includes(client));
  expect(gone).toHaveLength(3);
  process.kill(victim.pid, "SIGKILL");
  expect(await Promise.all(gone.map(({ closed }) => closed))).toEqual([1006, 1006, 1006]);

  const successor = await replaced(host, victim);
  expect(successor.publicUrl).toBe(victim.publicUrl);
  expect(successor.nodeId).not.toBe(victim.nodeId);
  await center.command.prints(registered(successor.nodeId));
  // The one that is empty fills up first.
  const next = await connectMany(host.url, 3);
  expect(next.map((client) => workerOf(host, client).worker)).toEqual([1, 1, 1]);
  const sent = (await ask(center, { broadcast: { msg: "still here" } }))["broadcast"];
  expect(Object.values(sent ?? {})).toEqual([3, 3, 3]);
  for (const client of [...others, ...next]) expect(await client.next()).toBe("still here");
  expect(workerOf(host, await connectClient(successor.publicUrl))).toEqual(successor);

  expect(await metric(host.admin, "wsc_workers_ended_total")).toBe(1);
  expect(await metric(host.admin, "wsc_connections_opened_total")).toBe(opened + 4);
  expect(await metric(host.admin, "wsc_connections")).toBe(10);
});

test("the places of a worker that is killed are given back", async () => {
  const host = await startHost([], ["--max-connections", "6"]);
  const clients = await connectMany(host.url, 6);
  expect(await handshakeStatus(host.url)).toBe(503);
  const [victim] = host.workers();
  if (victim === undefined) throw new Error("there is no worker");
  process.kill(victim.pid, "SIGKILL");
  await replaced(host, victim);
  await connectMany(host.url, 2);
  expect(await handshakeStatus(host.url)).toBe(503);
  expect(clients.filter(({ socket }) => socket.readyState === socket.OPEN)).toHaveLength(4);
});

test("one that dies again and again is tried more and more rarely, while the host stays ready", async () => {
  const center = await startCenter();
  const host = await startHost([center]);
  await vi.waitFor(async () => expect((await fetch(`${host.admin}/readyz`)).status).toBe(200));
  let [victim] = host.workers();
  for (let times = 0; times < 3 && victim !== undefined; times += 1) {
    process.kill(victim.pid, "SIGKILL");
    const readyz = await fetch(`${host.admin}/readyz`);
    expect(readyz.status).toBe(200);
    victim = await replaced(host, victim);
  }
  const ends = [
    ...host.command.stdout().matchAll(/"worker":1,"retryMs":\d+,"msg":"a worker ended \(SIGKILL\)/g),
  ];
  expect(ends).toHaveLength(3);
});

test("a worker that is frozen holds up nobody, and the host says so", async () => {
  const center = await startCenter();
  const host = await startHost([center]);
  await vi.waitFor(async () => expect((await fetch(`${host.admin}/readyz`)).status).toBe(200));
  const [, frozen] = host.workers();
  if (frozen === undefined) throw new Error("there is no worker");
  process.kill(frozen.pid, "SIGSTOP");
  const connecting = Array.from({ length: 7 }, () => connectClient(host.url));
  const clients: Awaited<(typeof connecting)[number]>[] = [];
  await new Promise<void>((resolve) => {
    for (const one of connecting) {
      void one.then((client) => {
        clients.push(client);
        if (clients.length === 6) resolve();
      });
    }
  });
  expect(clients.map((client) => workerOf(host, client).worker)).not.toContain(2);
  const readyz = await fetch(`${host.admin}/readyz`);
  expect(readyz.status).toBe(200);
  expect(await readyz.json()).toEqual({ ready: true, reasons: ["worker 2: does not answer"] });
  process.kill(frozen.pid, "SIGCONT");
  // The one that it was given before it froze, or while it was, is served by it.
  const all = await Promise.all(connecting);
  expect(all.map((client) => workerOf(host, client).worker)).toContain(2);
});

test("a connection that a frozen worker was given goes to another when it is killed", async () => {
  const host = await startHost([]);
  for (const { pid } of host.workers()) process.kill(pid, "SIGSTOP");
  const connecting = connectMany(host.url, 1);
  await vi.waitFor(() => expect(host.workers()).toHaveLength(3));
  for (const { pid } of host.workers()) process.kill(pid, "SIGKILL");
  expect(await connecting).toHaveLength(1);
});

test("a host that is killed leaves no workers: they close their clients and end", async () => {
  const center = await startCenter();
  const host = await startHost([center]);
  const clients = await connectMany(host.url, 3);
  const pids = host.workers().map(({ pid }) => pid);
  expect(pids.every(isAlive)).toBe(true);
  host.command.signal("SIGKILL");
  expect(await Promise.all(clients.map(({ closed }) => closed))).toEqual([1012, 1012, 1012]);
  await allGone(pids);
});

test("a second signal ends the host and its workers at once", async () => {
  const host = await startHost([], ["--shutdown-grace-ms", "60000"]);
  const pids = host.workers().map(({ pid }) => pid);
  process.kill(pids[0] ?? 0, "SIGSTOP");
  host.command.signal("SIGTERM");
  await host.command.prints(/SIGTERM: stopping/);
  const sending = setInterval(() => host.command.signal("SIGTERM"), 20);
  const code = await host.command.exited;
  clearInterval(sending);
  expect(code).toBe(143);
  await allGone(pids);
});

test("a worker that does not stop in time ends with the host, with 1", async () => {
  const host = await startHost([], ["--shutdown-grace-ms", "300"]);
  const pids = host.workers().map(({ pid }) => pid);
  process.kill(pids[1] ?? 0, "SIGSTOP");
  host.command.signal("SIGTERM");
  expect(await host.command.exited).toBe(1);
  await allGone(pids);
});
