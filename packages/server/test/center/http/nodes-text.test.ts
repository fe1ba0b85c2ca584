import fc from "fast-check";
import { expect, test } from "vitest";
import { NodesText } from "../../../src/center/http/nodes-text.js";
import type { Channel } from "../../../src/rpc/channel.js";

const channelOf = (id: string): Channel => ({ member: { id } }) as Channel;
const values = ["0", "false", "[]"];

test("places are those of all nodes, in their order, whoever was asked and in whatever order", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string(), { maxLength: 12 }),
      fc.array(fc.record({ rest: fc.constantFrom(...values), asked: fc.array(fc.nat(20)) })),
      (ids, answers) => {
        const nodes = ids.map(channelOf);
        const texts = new NodesText(nodes);
        expect(JSON.parse(`${texts.head}}}`)).toMatchObject({ code: 0, master_ids: ids, data: {} });
        for (const { rest, asked } of answers) {
          const places = new Map(asked.flatMap((at) => (nodes[at] === undefined ? [] : [[nodes[at], at]])));
          // One that has joined since is not among the nodes of the answer.
          places.set(channelOf("late"), 99);
          const text = texts.places(rest, places, (value) => `"asked ${value}"`);
          const expected = nodes.map((node, at) => {
            const value = places.has(node) ? `"asked ${at}"` : rest;
            return `${JSON.stringify(node.member.id)}:${value}`;
          });
          expect(text).toBe(expected.join(","));
          expect(texts.list(rest)).toBe(ids.map((id) => `${JSON.stringify(id)}:${rest}`).join(","));
        }
      },
    ),
  );
});
