import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Client } from "../contract/client.js";
import { at } from "../contract/cluster.js";
import { useCluster } from "../contract/use-cluster.js";
import { BatchStream, byId } from "./stream.js";

const toConnection = (id: string, { id: connectionId }: Client): object => ({
  id,
  command: "sendToConnection",
  params: { connectionId, message: id },
  timeoutMs: 5000,
});

describe("a stream to two nodes, of which one", () => {
  const cluster = useCluster();
  let living: Client;
  let other: Client;
  let stream: BatchStream;

  beforeEach(async () => {
    await cluster().ready();
    living = await cluster().connectClient(0);
    other = await cluster().connectClient(1);
    stream = new BatchStream(`127.0.0.1:${at(cluster().ports.http, 0)}`);
  });

  afterEach(() => stream.request.destroy());

  test("is frozen: the other's results come, and its own fail until it goes on", async () => {
    const node = at(cluster().nodes, 1);
    node.signal("SIGSTOP");
    try {
      stream.send(toConnection("frozen", other));
      for (let turn = 1; turn <= 20; turn += 1) {
        stream.send(toConnection(`living ${turn}`, living));
      }
      const answers = byId(await stream.until(21));
      for (let turn = 1; turn <= 20; turn += 1) expect(answers.get(`living ${turn}`)?.value).toBe(1);
      expect(Object.values(answers.get("frozen")?.failures ?? {})[0]?.code).toBe("NODE_TIMEOUT");
      expect(stream.answers.at(-1)?.id).toBe("frozen");
    } finally {
      node.signal("SIGCONT");
    }
    expect(await living.flushAndTake()).toEqual(
      Array.from({ length: 20 }, (_, turn) => `living ${turn + 1}`),
    );
  });

  test("is killed: what it had fails, and the stream goes on", async () => {
    stream.send(toConnection("before", other));
    await stream.until(1);
    at(cluster().nodes, 1).signal("SIGSTOP");
    stream.send(toConnection("killed", other), toConnection("living", living));
    await stream.until(2);
    at(cluster().nodes, 1).signal("SIGKILL");
    const answers = byId(await stream.until(3));
    expect(Object.values(answers.get("killed")?.failures ?? {})[0]?.code).toMatch(/NODE_LEFT|NODE_TIMEOUT/);
    expect(answers.get("living")?.value).toBe(1);
    cluster().startNode(1);
  });
});
