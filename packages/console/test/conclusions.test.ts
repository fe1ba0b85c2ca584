import type { CenterTrace, NodeTrace, OpsTrace } from "@websocket-center/protocol";
import { expect, test } from "vitest";
import { accountOf, type CenterAnswer } from "../src/pages/trace/account.js";
import { conclude } from "../src/pages/trace/conclusions.js";
import type { Subject } from "../src/shared/subject.js";

const NODE = "a".repeat(32);
const OTHER = "b".repeat(32);
const ada: Subject = { kind: "userId", id: "ada" };

function call(change: Partial<CenterTrace> = {}): CenterTrace {
  return {
    at: 1000,
    callId: "c1",
    via: "classic",
    command: "sendToUser",
    userId: "ada",
    ms: 2,
    linkedNodes: 2,
    calls: [],
    asked: [],
    ...change,
  };
}

function answer(
  items: CenterTrace[],
  nodes: Record<string, NodeTrace[]> = {},
  change: Partial<OpsTrace> = {},
): CenterAnswer {
  return {
    center: "http://c/",
    ok: true,
    trace: {
      center: { since: null, items },
      nodes: Object.entries(nodes).map(([nodeId, traces]) => ({ nodeId, since: null, items: traces })),
      failed: [],
      ...change,
    },
  };
}

const kindsOf = (subject: Subject, ...answers: CenterAnswer[]) => conclude(accountOf(subject, answers));

test("a call that no node held reached nobody", () => {
  expect(kindsOf(ada, answer([call()]))).toEqual([
    { kind: "nobody-held", tone: "bad", at: 1000, command: "sendToUser" },
  ]);
  expect(kindsOf(ada, answer([call({ linkedNodes: 0 })]))[0]).toMatchObject({ kind: "no-nodes" });
});

test("what nodes queued is added up, and whom they left out is named with why", () => {
  const asked = [
    { nodeId: NODE, call: 7, ok: true, value: 1 },
    { nodeId: OTHER, call: 7, ok: true, value: 1 },
  ];
  const failures = [{ connectionId: "slow", reason: "slow consumer" }];
  const traces = {
    [NODE]: [{ at: 1001, what: "sendToUser", call: 7, userId: "ada", matched: 2, queued: 1, failures }],
    [OTHER]: [{ at: 1001, what: "sendToUser", call: 7, userId: "ada", matched: 1, queued: 1 }],
  };
  expect(kindsOf(ada, answer([call({ asked })], traces))).toEqual([
    { kind: "queued", tone: "bad", at: 1000, command: "sendToUser", queued: 2, matched: 3 },
    { kind: "not-queued", tone: "bad", at: 1000, connectionId: "slow", reason: "slow consumer" },
  ]);
});

test("two refusals that are alike are told apart by their times", () => {
  const refused = (at: number, number: number) => ({
    call: call({ at, asked: [{ nodeId: NODE, call: number, ok: true, value: 0 }] }),
    trace: {
      at,
      what: "sendToUser",
      call: number,
      matched: 1,
      queued: 0,
      failures: [{ connectionId: "slow", reason: "slow consumer" }],
    },
  });
  const both = [refused(1000, 1), refused(2000, 2)];
  const told = kindsOf(
    ada,
    answer(
      both.map((each) => each.call),
      { [NODE]: both.map(({ trace }) => trace) },
    ),
  );
  expect(told.filter(({ kind }) => kind === "not-queued")).toMatchObject([{ at: 2000 }, { at: 1000 }]);
});

test("how many matched is not claimed where a node does not remember", () => {
  const asked = [{ nodeId: NODE, call: 7, ok: true, value: 1 }];
  expect(kindsOf(ada, answer([call({ asked })]))[0]).toMatchObject({
    queued: 1,
    matched: undefined,
    tone: "good",
  });
});

test("a node that was asked in vain, and a node that gave no answer, are told apart", () => {
  const none = call({ asked: [{ nodeId: NODE, call: 1, ok: true, value: 0 }] });
  expect(kindsOf(ada, answer([none]))[0]).toMatchObject({ kind: "nobody-matched", nodes: 1 });
  const silent = call({ asked: [{ nodeId: NODE, call: 1, ok: false, code: "NODE_TIMEOUT", message: "" }] });
  expect(kindsOf(ada, answer([silent]))).toMatchObject([{ kind: "node-failed", isUnknown: true }]);
  const full = call({ asked: [{ nodeId: NODE, call: 1, ok: false, code: "NODE_OVERLOADED", message: "" }] });
  expect(kindsOf(ada, answer([full]))).toMatchObject([{ kind: "node-failed", isUnknown: false }]);
});

test("ends of connections are told, those that were wished for calmly", () => {
  const traces = [
    { at: 5, what: "close", connectionId: "x", closeCode: 4002 },
    { at: 4, what: "slow-consumer", connectionId: "x" },
    { at: 3, what: "close", connectionId: "y", closeCode: 1000 },
  ];
  expect(kindsOf(ada, answer([], { [NODE]: traces }))).toEqual([
    { kind: "closed", tone: "bad", at: 5, connectionId: "x", code: 4002 },
    { kind: "slow", tone: "bad", at: 4, connectionId: "x" },
    { kind: "closed", tone: "neutral", at: 3, connectionId: "y", code: 1000 },
  ]);
});

test("what could not be asked, and how far memory reaches, are said", () => {
  const lost: CenterAnswer = { center: "http://lost/", ok: false, message: "gone" };
  const forgetful = answer(
    [],
    {},
    { center: { since: 42, items: [] }, failed: [{ nodeId: NODE, code: "NODE_TIMEOUT", message: "" }] },
  );
  expect(kindsOf(ada, lost, forgetful)).toEqual([
    { kind: "nothing-remembered", tone: "neutral" },
    { kind: "missing", tone: "bad", names: `http://lost/, ${NODE}` },
    { kind: "since", tone: "neutral", at: 42 },
  ]);
  expect(kindsOf({ kind: "callId", id: "c" }, answer([]))).toEqual([{ kind: "unknown-call", tone: "bad" }]);
});

test("what two centers tell of one node is counted once", () => {
  const trace = { at: 1, what: "open", connectionId: "x", userId: "ada" };
  const account = accountOf(ada, [answer([], { [NODE]: [trace] }), answer([], { [NODE]: [trace] })]);
  expect(account.happenings).toHaveLength(1);
});
