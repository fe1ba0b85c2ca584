import {
  type CommandName,
  commands,
  errorCodes,
  mergeResults as merge,
  type Result,
} from "@websocket-center/protocol";
import { expect, expectTypeOf, test } from "vitest";
import type { Cluster } from "websocket-center";
import { commandTable, mergeResults } from "../../server/commands.js";
import { centerCodes } from "../../server/errors.js";
import type { Backend, BatchResult, ClusterResult } from "../../server/index.js";

test("what is kept of the command table and of the error codes is what the protocol says", () => {
  const kept = Object.entries(commands).map(([name, { scope, merge, absent }]) => [
    name,
    { scope, merge, absent },
  ]);
  expect(commandTable).toEqual(Object.fromEntries(kept));
  const codes = Object.entries(errorCodes).map(([code, { status, retryable }]) => [
    code,
    { status, retryable },
  ]);
  expect(centerCodes).toEqual(Object.fromEntries(codes));
});

test.each<[CommandName, unknown[]]>([
  ["countUsers", [1, 2]],
  ["listUsers", [["a", "b"], ["b"]]],
  ["isUserOnline", [false, true]],
  ["getUserOfConnection", [null, "ada"]],
  ["getConnectionData", [{}, { app: "1" }]],
  ["bindUser", ["absent", "done"]],
  ["joinUserToGroups", ["absent", "unchanged"]],
  ["unbindUser", []],
  ["countUsers", []],
])("results of %s become one as the protocol makes them: %j", (name, results) => {
  expect(mergeResults(name, results)).toEqual(merge(name, results as Result<CommandName>[]));
});

test("each command takes and gives what the table says", () => {
  expectTypeOf<Backend["sendToUser"]>().parameter(0).toEqualTypeOf<{
    userId: string;
    message: string;
    exceptConnectionIds?: readonly string[] | undefined;
  }>();
  expectTypeOf<Backend["bindUser"]>().returns.resolves.toEqualTypeOf<ClusterResult<"bindUser">>();
  expectTypeOf<ClusterResult<"bindUser">["value"]>().toEqualTypeOf<"done" | "unchanged" | "absent">();
  expectTypeOf<ClusterResult<"listUsers">["value"]>().toEqualTypeOf<string[]>();
  // @ts-expect-error: a message is text over HTTP
  const wrong: Parameters<Backend["broadcast"]>[0] = { message: new Uint8Array() };
  expect(wrong).toBeDefined();
});

test("results look as those of node.cluster do", () => {
  type Theirs = Awaited<ReturnType<Cluster["countUsers"]>>;
  expectTypeOf<ClusterResult<"countUsers">>().toEqualTypeOf<Theirs>();
  expectTypeOf<Awaited<ReturnType<Backend["services"]["call"]>>>().toEqualTypeOf<
    Awaited<ReturnType<Cluster["services"]["call"]>>
  >();
});

test("a batch gives each command its own result", () => {
  const run = (backend: Backend) =>
    backend.batch([
      { command: "bindUser", params: { userId: "ada", connectionId: "1" } },
      { command: "countUsers", params: {} },
    ]);
  expectTypeOf(run).returns.resolves.toEqualTypeOf<[BatchResult<"bindUser">, BatchResult<"countUsers">]>();
  // @ts-expect-error: the parameters are those of another command
  const wrong: Parameters<Backend["batch"]>[0] = [{ command: "countUsers", params: { userId: "ada" } }];
  expect(wrong).toBeDefined();
});
