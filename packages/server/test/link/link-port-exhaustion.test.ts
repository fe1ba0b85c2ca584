import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { Program } from "../node/program.js";
import { portOf, startNode } from "./running.js";

const DESCRIPTORS = 100;

test("a center that has run out of file descriptors says so, keeps its nodes, and takes new ones as soon as it can", async () => {
  const program = await Program.start("center", { WSC_LOG_FORMAT: "json" }, `ulimit -n ${DESCRIPTORS};`);
  const link = program.address("link");
  const { node, book } = await startNode({ centers: [link] });
  await book.until("registered with a center");

  const sockets = new Set<Socket>();
  onTestFinished(() => sockets.forEach((socket) => socket.destroy()));
  await vi.waitUntil(
    async () => {
      const socket = connect(Number(portOf(link)), "127.0.0.1");
      sockets.add(socket.on("error", () => undefined));
      socket.once("close", () => sockets.delete(socket));
      await Promise.race([once(socket, "connect"), once(socket, "close")]);
      return program.output.includes("no file descriptor is left");
    },
    { timeout: 20_000, interval: 5 },
  );
  expect(sockets.size).toBeGreaterThan(DESCRIPTORS / 2);
  const answer = await node.cluster.countConnections({});
  expect(answer.nodes).toEqual([{ nodeId: node.id, ok: true, value: 0 }]);
  expect(book.with("no link to the center")).toEqual([]);

  for (const socket of sockets) socket.destroy();
  const late = await startNode({ centers: [link] });
  await late.book.until("registered with a center");
  expect(program.hasExited).toBe(false);
}, 60_000);
