import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { linkRaw } from "./raw-peer.js";
import { portOf, startCenter, startNode } from "./running.js";

describe("connection ids", () => {
  test("start with the key of the node's id, and no two are the same", async () => {
    const { node } = await startNode();
    const ids = await Promise.all(Array.from({ length: 20 }, () => connectionIdAt(node.addresses.client)));
    for (const id of ids) {
      expect(id).toMatch(/^[0-9a-f]{32}$/);
      expect(id.slice(0, 12)).toBe(node.id.slice(0, 12));
    }
    expect(new Set(ids).size).toBe(20);
  });

  test("keep the node's id: a node that has one is the same at each center, also where its key is taken", async () => {
    const { center } = await startCenter();
    const { node, book } = await startNode();
    const { id } = node;
    const connectionId = await connectionIdAt(node.addresses.client);
    const other = await linkRaw(Number(portOf(center.addresses.link)), {
      id: id.slice(0, 12).padEnd(32, "0"),
    });
    node.register([center.addresses.link]);
    expect(await book.until("no link to the center")).toMatchObject({
      level: "error",
      code: "NODE_KEY_TAKEN",
    });
    expect(node.id).toBe(id);
    expect(connectionId.slice(0, 12)).toBe(id.slice(0, 12));
    other.close();
  });
});

/** Connects a client for as long as it takes to be told its connection id. */
async function connectionIdAt(address: string): Promise<string> {
  const client = new WebSocket(`ws://${address}/`);
  const [data] = (await once(client, "message")) as [Buffer];
  client.terminate();
  return (JSON.parse(data.toString()) as { _id: string })._id;
}
