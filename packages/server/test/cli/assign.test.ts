import { afterEach, expect, test } from "vitest";
import { at, startCenter, startNode } from "./cluster.js";
import { endAll } from "./command.js";

afterEach(endAll);

test("assign prints where a user shall connect, or that no node takes clients", async () => {
  const center = await startCenter();
  const none = await at(center, ["assign", "ada"]);
  expect([none.code, none.stdout]).toEqual([1, ""]);
  expect(none.stderr).toContain("no node is known");

  const node = await startNode([center]);
  expect(await at(center, ["assign", "ada & 用户"])).toEqual({
    code: 0,
    stdout: `${node.url}\n`,
    stderr: "",
  });
  const { stdout } = await at(center, ["assign", "ada", "--json"]);
  expect(JSON.parse(stdout)).toEqual({ url: node.url, nodeId: node.id });
  const empty = await at(center, ["assign", ""]);
  expect(empty.code).toBe(1);
  expect(empty.stderr).toContain("not empty");
});
