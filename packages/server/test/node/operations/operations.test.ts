import { OPERATIONS_SERVICE } from "@websocket-center/protocol";
import { expect, test, vi } from "vitest";
import { Hub } from "../../../src/node/hub.js";
import { CenterAbouts } from "../../../src/node/operations/center-abouts.js";
import { Operations } from "../../../src/node/operations/operations.js";
import { Client, startCenter, startNode } from "../running-node.js";

const WAIT = { timeout: 10_000 };

async function get<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T;
}

async function startPair() {
  const center = await startCenter();
  const node = await startNode({ centers: [center.addresses.link], maxBufferedBytes: 64 * 1024 });
  await vi.waitFor(() => expect(center.nodes).toHaveLength(1), WAIT);
  return { center, node, ops: `http://${center.addresses.http}/ops` };
}

function createOperations(): Operations {
  return new Operations({
    hub: new Hub(),
    traceEntries: 0,
    centers: () => new CenterAbouts(() => []),
    counters: () => {
      throw new Error("not asked");
    },
    waitingBytes: () => 0,
    runtime: () => ({ cpuMs: 0, rssBytes: 0, loopDelayMs: 0 }),
  });
}

test("the service is of centers alone: nobody lists it, calls it, or takes its name", async () => {
  const { center, node } = await startPair();
  const http = `http://${center.addresses.http}`;
  expect(
    (await fetch(`${http}/services/${OPERATIONS_SERVICE}/vitals`, { method: "POST", body: "{}" })).status,
  ).toBe(404);
  expect(JSON.stringify(await get(`${http}/services`))).not.toContain(OPERATIONS_SERVICE);
  expect(() => node.services.register({ name: OPERATIONS_SERVICE, methods: {} })).toThrow(/is taken/);
  await expect(
    node.cluster.services.call({ service: OPERATIONS_SERVICE, method: "vitals" }),
  ).rejects.toMatchObject({
    code: "UNKNOWN_SERVICE",
  });
});

test("a connection is shown with what its handshake said and what it sent and got, and without its token", async () => {
  const { node, ops } = await startPair();
  const client = await Client.connect(node, {
    path: "/?lang=en&access_token=secret",
    headers: { "User-Agent": "Tester/1", Origin: "https://shop.example" },
  });
  node.hub.bindUser({ userId: "ada", connectionId: client.id });
  node.hub.joinConnectionToGroup({ groupId: "room", connectionId: client.id });
  client.socket.send("12345");
  node.hub.sendToUser({ userId: "ada", message: "hello" });
  await vi.waitFor(async () => {
    expect(await get(`${ops}/connections/${client.id}`)).toMatchObject({
      id: client.id,
      nodeId: node.id,
      userId: "ada",
      groups: 1,
      groupIds: ["room"],
      data: { lang: "en" },
      userAgent: "Tester/1",
      origin: "https://shop.example",
      messagesIn: 1,
      messagesOut: 2,
      compressed: false,
      bufferedBytes: 0,
    });
  }, WAIT);
  const shown = await get<{ bytesIn: number; bytesOut: number; openedAt: number }>(
    `${ops}/connections/${client.id}`,
  );
  expect(shown.bytesIn).toBeGreaterThan(100);
  expect(shown.bytesOut).toBeGreaterThan(100);
  expect(Math.abs(shown.openedAt - Date.now())).toBeLessThan(60_000);
});

test("a slow consumer is remembered with the command that found it too slow", async () => {
  const { center, node, ops } = await startPair();
  const slow = await Client.connect(node);
  node.hub.bindUser({ userId: "slow", connectionId: slow.id });
  await node.hub.settled();
  slow.socket.pause();
  const closed = vi.waitFor(() => expect(node.hub.countConnections({})).toBe(0), WAIT);
  const message = "x".repeat(32 * 1024);
  for (let sent = 0; sent < 2000 && node.hub.countConnections({}) > 0; sent += 1) {
    await center.cluster.sendToUser({ userId: "slow", message });
  }
  await closed;
  const { nodes } = await get<{ nodes: { items: { what: string; failures?: object[] }[] }[] }>(
    `${ops}/trace?userId=slow`,
  );
  const whats = nodes.flatMap(({ items }) => items.map(({ what }) => what));
  expect(whats).toContain("slow-consumer");
  const failed = nodes.flatMap(({ items }) => items.flatMap(({ failures = [] }) => failures));
  expect(failed).toContainEqual({ connectionId: slow.id, reason: "slow consumer" });
});

test("events are kept only while somebody asks", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const operations = createOperations();
    const { signal } = new AbortController();
    const ask = (after?: number) =>
      operations.invoke(
        "events",
        { limit: 100, ...(after === undefined ? {} : { after }) },
        signal,
      ) as Promise<{
        items: { detail: string }[];
        next: number;
      }>;
    operations.witness.happened("error", "before anybody asked");
    const { next } = await ask();
    operations.witness.happened("error", "while somebody asks");
    const seen = await ask(next);
    expect(seen.items.map(({ detail }) => detail)).toEqual(["while somebody asks"]);
    vi.advanceTimersByTime(5000);
    operations.witness.happened("error", "after it had gone");
    const later = await ask(seen.next);
    expect(later.items).toEqual([]);
    operations.witness.happened("error", "for one who came back");
    expect((await ask(later.next)).items.map(({ detail }) => detail)).toEqual(["for one who came back"]);
    operations.close();
  } finally {
    vi.useRealTimers();
  }
});

test("what is asked wrongly is refused, and says what was wrong", async () => {
  const operations = createOperations();
  const { signal } = new AbortController();
  await expect(operations.invoke("constructor", {}, signal)).rejects.toMatchObject({
    code: "UNKNOWN_METHOD",
  });
  await expect(operations.invoke("listUsers", { limit: 0 }, signal)).rejects.toMatchObject({
    code: "INVALID_PARAMS",
  });
  await expect(operations.invoke("watch", { watchId: "w", limit: 1 }, signal)).rejects.toThrow(/either/);
});

test("no more watches run than a node can bear, and one that nobody asks for any more makes room", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const operations = createOperations();
    const { signal } = new AbortController();
    const watch = (watchId: string) =>
      operations.invoke("watch", { watchId, userId: "ada", limit: 1 }, signal);
    for (let number = 0; number < 20; number += 1) await watch(`w${number}`);
    await expect(watch("one more")).rejects.toMatchObject({ code: "INVALID_PARAMS" });
    await watch("w0");
    vi.advanceTimersByTime(10_000);
    await watch("one more");
    operations.close();
  } finally {
    vi.useRealTimers();
  }
});

test("who watches sees frames queued, written and drained", async () => {
  const { node, ops } = await startPair();
  const client = await Client.connect(node);
  node.hub.bindUser({ userId: "ada", connectionId: client.id });
  await node.hub.settled();
  const controller = new AbortController();
  const { signal } = controller;
  const response = await fetch(`${ops}/watch?connectionId=${client.id}&seconds=60`, { signal });
  const types: string[] = [];
  const read = async (): Promise<void> => {
    for await (const chunk of response.body ?? []) {
      for (const line of Buffer.from(chunk as Uint8Array)
        .toString()
        .split("\n")) {
        if (line !== "") types.push((JSON.parse(line) as { event?: { type: string } }).event?.type ?? "");
      }
    }
  };
  const reading = read().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  await vi.waitFor(() => expect(types).toContain("open"), WAIT);
  node.hub.sendToUser({ userId: "ada", message: "hi" });
  await vi.waitFor(
    () => expect(types).toEqual(expect.arrayContaining(["queued", "written", "drained"])),
    WAIT,
  );
  client.socket.close(1000);
  await vi.waitFor(() => expect(types).toContain("close"), WAIT);
  controller.abort();
  await reading;
});
