import { expect, test } from "vitest";
import type { Connection } from "../../src/index.js";
import { Client, nextEvent, startNode } from "./running-node.js";

const endOfTick = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/** A client of a node whose frames may wait long, and messages to it of which the last ones wait. */
async function startWaiting() {
  const node = await startNode({ coalesceMs: 100 });
  const opened = nextEvent(node, "open");
  const client = await Client.connect(node);
  const [connection] = await opened;
  const sent: string[] = [];
  // One a tick, until one is not written at its end.
  for (let tick = 0; tick < 1000 && connection.bufferedBytes === 0; tick += 1) {
    sent.push(`message ${tick}`);
    connection.send(sent.at(-1)!);
    await endOfTick();
  }
  expect(waits(connection)).toBe(true);
  return { node, client, connection, sent };
}
const waits = ({ pending }: Connection): boolean => pending !== undefined;

test("what waits for other messages goes out before the close frame", async () => {
  const { client, connection, sent } = await startWaiting();
  connection.close(4400, "done");
  expect(await client.closed).toEqual({ code: 4400, reason: "done" });
  expect(client.untaken).toEqual(sent);
});

test("what waits goes out before the answer to the client's close frame", async () => {
  const { client, sent } = await startWaiting();
  expect((await client.close(1000)).code).toBe(1000);
  expect(client.untaken).toEqual(sent);
});

test("a node that stops sends what waits", async () => {
  const { node, client, sent } = await startWaiting();
  await node.stop();
  expect((await client.closed).code).toBe(1012);
  expect(client.untaken).toEqual(sent);
});

test("a pong waits with the messages before it, and overtakes none", async () => {
  const { client, connection, sent } = await startWaiting();
  const order: string[] = [];
  client.socket.on("message", (data: Buffer) => order.push(data.toString()));
  client.socket.on("pong", (data) => order.push(`pong ${data.toString()}`));
  client.socket.ping("p");
  await new Promise((resolve) => client.socket.once("pong", resolve));
  expect(order.at(-1)).toBe("pong p");
  expect(client.untaken).toEqual(sent);
  expect(waits(connection)).toBe(false);
});
