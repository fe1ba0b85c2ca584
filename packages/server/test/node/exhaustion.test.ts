import { expect, test, vi } from "vitest";
import { Program } from "./program.js";
import { ask, Client } from "./running-node.js";

const DESCRIPTORS = 120;

/** A client, or undefined where the node did not let it in. */
async function tryToConnect(url: string): Promise<Client | undefined> {
  try {
    return await Client.connect(url, { handshakeTimeout: 5000 });
  } catch {
    return undefined;
  }
}

async function expectAnswer(client: Client): Promise<void> {
  client.socket.send("ping");
  expect(await client.next()).toBe(`{"cmd":"pong","_id":"${client.id}"}`);
}

test("a node that has run out of file descriptors keeps its clients, and takes new ones as soon as it can", async () => {
  const env = { REGISTER_CENTER_PORT: "1", WSC_LOG_FORMAT: "json", WSC_ADMIN_PORT: "0" };
  const node = await Program.start("node", env, `ulimit -n ${DESCRIPTORS};`);
  const url = `ws://${node.address("client")}`;

  const clients: Client[] = [];
  for (;;) {
    const client = await tryToConnect(url);
    if (client === undefined) break;
    clients.push(client);
    expect(clients.length).toBeLessThan(DESCRIPTORS);
  }
  expect(clients.length).toBeGreaterThan(DESCRIPTORS / 2);

  // More of the same: the node neither ends nor disturbs those that it has.
  expect(await Promise.all(Array.from({ length: 10 }, () => tryToConnect(url)))).toEqual(
    Array.from({ length: 10 }),
  );
  for (const client of clients) await expectAnswer(client);
  // The log says so, and what to do, and not once a second for ever.
  await vi.waitUntil(() => node.output.includes("no file descriptor is left"), { timeout: 20_000 });
  expect(node.output).toContain("ulimit -n");

  const leaving = clients.splice(0, 20);
  await Promise.all(leaving.map((client) => client.close()));
  const newcomers: Client[] = [];
  // The node sees the end of a connection a little later than the client does.
  await vi.waitUntil(
    async () => {
      const client = await tryToConnect(url);
      if (client !== undefined) newcomers.push(client);
      return newcomers.length === 10;
    },
    { timeout: 20_000, interval: 20 },
  );
  for (const client of [...clients, ...newcomers]) await expectAnswer(client);

  const { text } = await ask(node.address("admin"), "/metrics");
  expect(text).toMatch(/^wsc_descriptors_exhausted_total [1-9]/m);
  expect(node.hasExited).toBe(false);
  node.process.kill("SIGTERM");
  expect(await node.exited).toEqual({ code: 0, signal: null });
  for (const { closed } of [...clients, ...newcomers]) expect((await closed).code).toBe(1012);
}, 60_000);
