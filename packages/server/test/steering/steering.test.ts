import { describe, expect, test } from "vitest";
import { MemberLists } from "../../src/node/member-lists.js";
import type { SteeringMember } from "../../src/steering/member.js";
import { Steering } from "../../src/steering/steering.js";

const idOf = (at: number): string => String(at).padStart(32, "0");
const memberOf = (at: number, rest: Partial<SteeringMember> = {}): SteeringMember => ({
  id: idOf(at),
  address: `ws://node-${at}.example`,
  takesClients: true,
  connections: 0,
  ...rest,
});

describe("least connections", () => {
  test("counts its own assignments for a second or two, until statuses have them", () => {
    let now = 5000;
    const members = [memberOf(1, { connections: 10 }), memberOf(2, { connections: 13 })];
    const config = { assignStrategy: "least-connections", assignNodes: [], maxIdBytes: 512 } as const;
    const steering = new Steering(
      config,
      () => members,
      () => now,
    );
    const next = (): string => steering.assign("ada").nodeId;
    expect([next(), next(), next()]).toEqual([idOf(1), idOf(1), idOf(1)]);
    // Both are at 13 now: of 14 and 13, or 13 and 14, the other comes next.
    expect(new Set([next(), next()])).toEqual(new Set([idOf(1), idOf(2)]));
    now += 1500;
    expect(new Set([next(), next()])).toEqual(new Set([idOf(1), idOf(2)]));
    now += 2000;
    expect(next()).toBe(idOf(1));
  });
});

describe("what a node knows of others", () => {
  const own = memberOf(0);
  const [a, b, c] = [memberOf(1), memberOf(2), memberOf(3)];
  const told = ({ id, address, takesClients, connections }: SteeringMember) =>
    [id, address, takesClients, connections] as [string, string, boolean, number];
  const frame = (isWhole: boolean, members: SteeringMember[], gone: SteeringMember[] = []) =>
    ["members", isWhole, members.map(told), gone.map(({ id }) => id)] as [
      "members",
      boolean,
      ReturnType<typeof told>[],
      string[],
    ];

  function start() {
    const clock = { now: 0 };
    const lists = new MemberLists(
      () => own,
      () => clock.now,
    );
    const known = (): string[] => lists.list().map(({ id }) => id);
    const ids = (...members: SteeringMember[]): string[] => [...members, own].map(({ id }) => id);
    return { clock, lists, known, ids };
  }

  test("is the union of what its centers say", () => {
    const { lists, known, ids } = start();
    const [first, second] = [{}, {}];
    lists.onMembers(first, frame(true, [a]));
    lists.onMembers(second, frame(true, [a, b]));
    expect(known()).toEqual(ids(a, b));
    lists.onMembers(second, frame(false, [], [b, a]));
    expect(known()).toEqual(ids(a));
    lists.onMembers(first, frame(true, [c]));
    expect(known()).toEqual(ids(c));
  });

  test("a node takes clients if one center says so, and has the most connections that one tells", () => {
    const { lists } = start();
    lists.onMembers({}, frame(true, [memberOf(1, { takesClients: false, connections: 5 })]));
    expect(lists.list()[0]).toMatchObject({ takesClients: false });
    lists.onMembers({}, frame(true, [memberOf(1, { connections: 3 })]));
    expect(lists.list()[0]).toMatchObject({ takesClients: true, connections: 5 });
  });

  test("what a lost center told counts for 30 s beside another one's", () => {
    const { clock, lists, known, ids } = start();
    const [first, second] = [{}, {}];
    lists.onMembers(first, frame(true, [a]));
    lists.onMembers(second, frame(true, [b]));
    lists.onUnlinked(first);
    clock.now = 29_999;
    expect(known()).toEqual(ids(b, a));
    clock.now = 30_000;
    expect(known()).toEqual(ids(b));
  });

  test("while no center is linked it stays, and for 30 s after one has come back", () => {
    const { clock, lists, known, ids } = start();
    const first = {};
    lists.onMembers(first, frame(true, [a, b]));
    lists.onUnlinked(first);
    clock.now = 1_000_000;
    expect(known()).toEqual(ids(a, b));
    const again = {};
    lists.onMembers(again, frame(true, [a]));
    clock.now += 29_999;
    expect(known()).toEqual(ids(a, b));
    clock.now += 1;
    expect(known()).toEqual(ids(a));
  });

  test("a node that a center says is gone is not brought back by another that is lost", () => {
    const { clock, lists, known, ids } = start();
    const [first, second] = [{}, {}];
    lists.onMembers(first, frame(true, [a, b]));
    lists.onMembers(second, frame(true, [a, b]));
    lists.onMembers(second, frame(false, [], [a]));
    expect(known()).toEqual(ids(a, b));
    lists.onUnlinked(first);
    expect(known()).toEqual(ids(b));
    // And one that is said to be gone after that.
    const third = {};
    lists.onMembers(third, frame(true, [c]));
    lists.onUnlinked(third);
    expect(known()).toEqual(ids(b, c));
    clock.now = 10;
    lists.onMembers(second, frame(false, [], [c]));
    expect(known()).toEqual(ids(b));
  });

  test("its own state is its own to tell", () => {
    const lists = new MemberLists(() => ({ ...own, takesClients: false }));
    lists.onMembers({}, frame(true, [{ ...own, connections: 7 }]));
    expect(lists.list()).toEqual([{ ...own, takesClients: false, connections: 7 }]);
  });

  test("is the same list until something changes", () => {
    const { lists } = start();
    const list = lists.list();
    expect(lists.list()).toBe(list);
    lists.onMembers({}, frame(true, [a]));
    expect(lists.list()).not.toBe(list);
  });
});
