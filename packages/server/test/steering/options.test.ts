import { expect, test } from "vitest";
import { createCenter, createNode, createSilentLogger, type NodeOptions } from "../../src/index.js";
import { keepLog, startNode } from "../node/running-node.js";

const modulo = { assignStrategy: "modulo" } as const;

test.each<[string, NodeOptions, string]>([
  ["modulo without a list", modulo, "assignStrategy is modulo but assignNodes is not set"],
  ["a list without modulo", { assignNodes: ["ws://a"] }, "assignStrategy is rendezvous: only modulo"],
  [
    "an address twice, however it is written",
    { ...modulo, assignNodes: ["wss://a", "wss://b", "wss://A:443/"] },
    "assignNodes has wss://A:443/ twice",
  ],
  [
    "an address that is no WebSocket's",
    { ...modulo, assignNodes: ["ws://a", "https://b"] },
    'assignNodes has "https://b": expected a list of ws:// or wss:// URLs',
  ],
  [
    "another strategy",
    { assignStrategy: "random" as "modulo" },
    'assignStrategy is "random": expected one of rendezvous, modulo, least-connections',
  ],
])("%s is refused by node and center, and what is expected is said", (_case, options, told) => {
  const log = createSilentLogger();
  for (const create of [() => createNode(options, { log }), () => createCenter(options, { log })]) {
    expect(create).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    expect(create).toThrow(told);
  }
});

test("a node whose address is not in the list says at its start that nobody is sent to it", async () => {
  const options = { ...modulo, assignNodes: ["wss://a.example"] };
  const { log, text } = keepLog();
  await startNode({ ...options, publicUrl: "wss://A.example/" }, { log });
  expect(text()).not.toContain("WSC_ASSIGN_NODES");
  await startNode({ ...options, publicUrl: "wss://b.example" }, { log });
  expect(text()).toContain("WSC_ASSIGN_NODES");
});
