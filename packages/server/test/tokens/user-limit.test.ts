import { expect, test } from "vitest";
import { askUpgrade, Client, metricOf, startNode } from "../node/running-node.js";
import { hmac, secret, sign } from "./signing.js";

const limited = { clientJwtSecret: [secret], maxConnectionsPerUser: 2, adminPort: 0 };
const pathOf = async (sub: string): Promise<string> => `/?access_token=${await sign(hmac(), { sub })}`;

test("a user over its limit is refused with 429, until one of its connections ends; others are not", async () => {
  const node = await startNode(limited);
  const first = await Client.connect(node, { path: await pathOf("ada") });
  await Client.connect(node, { path: await pathOf("ada") });
  const reply = await askUpgrade(node, await pathOf("ada"));
  expect([reply.status, reply.headers["retry-after"]]).toEqual([429, "5"]);
  expect(await metricOf(node, 'wsc_connections_refused_total{cause="user-full"}')).toBe(1);
  await Client.connect(node, { path: await pathOf("bob") });
  await first.close();
  await Client.connect(node, { path: await pathOf("ada") });
});

test("with close-oldest the user's oldest connection is closed with 4501 instead", async () => {
  const node = await startNode({ ...limited, userOverflow: "close-oldest" });
  const clients: Client[] = [];
  for (let count = 0; count < 3; count += 1) {
    clients.push(await Client.connect(node, { path: await pathOf("ada") }));
  }
  expect(await clients[0]?.closed).toEqual({
    code: 4501,
    reason: "replaced by a newer connection of the user",
  });
  const left = clients.slice(1).map(({ id }) => id);
  expect(node.hub.listConnectionsOfUser({ userId: "ada" })).toEqual(left);
});

test("the limit holds for users of authorize too, and not for what back ends bind", async () => {
  const node = await startNode(
    { maxConnectionsPerUser: 1 },
    { authorize: ({ url }) => (url === "/ada" ? { admit: true, userId: "ada" } : { admit: true }) },
  );
  const { id: connectionId } = await Client.connect(node, { path: "/" });
  await Client.connect(node, { path: "/ada" });
  expect((await askUpgrade(node, "/ada")).status).toBe(429);
  expect(node.hub.bindUser({ userId: "ada", connectionId })).toBe("done");
});
