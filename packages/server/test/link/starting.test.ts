import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { freePort } from "../free-ports.js";
import { createCenter, createNode, createSilentLogger } from "../../src/index.js";
import { portOf, startCenter, startNode } from "./running.js";

const log = createSilentLogger();
const index = new URL("../../dist/index.js", import.meta.url).href;

test("a program that creates a center and a node, and starts neither, ends by itself", async () => {
  const program = `
    import { createCenter, createNode } from ${JSON.stringify(index)};
    createCenter({ linkPort: 0, httpPort: 0 });
    createNode({ port: 0, centers: ["127.0.0.1:1"] });
  `;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], { stdio: "inherit" });
  onTestFinished(() => void child.kill("SIGKILL"));
  expect(await once(child, "exit")).toEqual([0, null]);
});

const refused = { code: "START_REFUSED", message: expect.stringContaining("starts once") };

test("a second start is refused, and what runs goes on as it was", async () => {
  const { center } = await startCenter();
  const { node, book } = await startNode({ centers: [center.addresses.link] });
  await book.until("registered with a center");
  const addresses = [center.addresses, node.addresses];
  await expect(center.start()).rejects.toMatchObject(refused);
  await expect(node.start()).rejects.toMatchObject(refused);
  expect([center.addresses, node.addresses]).toEqual(addresses);
  expect((await node.cluster.countConnections({})).nodes).toEqual([{ nodeId: node.id, ok: true, value: 0 }]);
  expect((await fetch(`http://${center.addresses.http}/readyz`)).status).toBe(200);
});

test("of two starts at once, one is refused", async () => {
  const center = createCenter({ linkPort: 0, httpPort: 0 }, { log });
  const node = createNode({ port: 0, centers: [] }, { log });
  for (const part of [center, node]) {
    onTestFinished(() => part.stop());
    const [first, second] = await Promise.allSettled([part.start(), part.start()]);
    expect(first.status).toBe("fulfilled");
    expect(second).toMatchObject({ status: "rejected", reason: refused });
  }
  expect((await fetch(`http://${center.addresses.http}/readyz`)).status).toBe(200);
});

test("after a stop, or a start that failed, a start is refused", async () => {
  const { center: other } = await startCenter();
  const taken = Number(portOf(other.addresses.http));
  for (const part of [
    createCenter({ linkPort: 0, httpPort: taken }, { log }),
    createNode({ port: taken, centers: [] }, { log }),
  ]) {
    await expect(part.start()).rejects.toMatchObject({ code: "PORT_TAKEN" });
    await expect(part.start()).rejects.toMatchObject(refused);
  }
  for (const part of [
    createCenter({ linkPort: 0, httpPort: 0 }, { log }),
    createNode({ port: 0, centers: [] }, { log }),
  ]) {
    await part.start();
    await part.stop();
    await expect(part.start()).rejects.toMatchObject(refused);
  }
});

for (const [how, end] of [
  ["stopped", (part: Part) => part.stop()],
  ["drained", (part: Part) => part.drain()],
] as const) {
  test(`one that is ${how} while it starts listens nowhere`, async () => {
    const [linkPort, httpPort] = [await freePort(), await freePort()];
    for (const part of [
      createCenter({ linkPort, httpPort }, { log }),
      createNode({ port: linkPort, adminPort: httpPort, centers: [] }, { log }),
    ]) {
      onTestFinished(() => part.stop());
      const [started] = await Promise.allSettled([part.start(), end(part)]);
      expect(started).toMatchObject({ status: "rejected", reason: { code: "START_REFUSED" } });
      for (const port of [linkPort, httpPort]) {
        await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toMatchObject({
          cause: { code: "ECONNREFUSED" },
        });
      }
    }
  });
}

type Part = ReturnType<typeof createCenter> | ReturnType<typeof createNode>;
