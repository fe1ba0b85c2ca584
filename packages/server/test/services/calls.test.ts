import { expect, test, vi } from "vitest";
import { type Center, method, type Service, z } from "../../src/index.js";
import { connect, post, startCenter, startNode, untilListed } from "./cluster.js";

const anything = z.unknown();

/** A service whose methods do what their names say. */
function mischief(seen: { aborted: number; started: number } = { aborted: 0, started: 0 }): Service {
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  let deep: unknown = 1;
  for (let level = 0; level < 200; level += 1) deep = [deep];
  const returning = (value: unknown) => method({ params: anything, result: anything, handler: () => value });
  return {
    name: "mischief",
    methods: {
      echo: returning("fine"),
      throws: method({
        params: anything,
        result: anything,
        handler() {
          throw new Error("thrown");
        },
      }),
      rejects: method({
        params: anything,
        result: anything,
        handler: () => Promise.reject(new Error("rejected")),
      }),
      hangs: method({
        params: anything,
        result: anything,
        maxConcurrent: 1,
        handler(_params, { signal }) {
          seen.started += 1;
          signal.addEventListener("abort", () => (seen.aborted += 1));
          return new Promise(() => {});
        },
      }),
      lies: method({ params: anything, result: z.number(), handler: () => "text" as unknown as number }),
      circular: returning(circle),
      bigint: returning({ at: 1n }),
      deep: returning(deep),
      proto: returning(JSON.parse('{"__proto__":{"x":1},"y":2}')),
      nothing: returning(undefined),
      large: returning("x".repeat(1024 * 1024)),
    },
  };
}

async function outcome(center: Center, name: string, body: object = {}): Promise<unknown> {
  const { status, json } = await post(center, `/services/mischief/${name}`, body);
  if (status === 200) {
    const [result] = json["results"] as { ok: boolean; value?: unknown; code?: string }[];
    return result?.ok === true ? { value: result.value } : { code: result?.code };
  }
  return { status, code: json["code"] };
}

test("a method that throws, rejects, lies or returns what JSON cannot say fails for its caller, and the node goes on", async () => {
  const center = await startCenter();
  await startNode([center], [mischief()]);
  await untilListed(center, "mischief", 1);
  expect(await outcome(center, "throws")).toEqual({ status: 502, code: "METHOD_FAILED" });
  expect(await outcome(center, "rejects")).toEqual({ status: 502, code: "METHOD_FAILED" });
  for (const name of ["lies", "circular", "bigint", "deep"]) {
    expect(await outcome(center, name), name).toEqual({ status: 502, code: "INVALID_RESULT" });
  }
  expect(await outcome(center, "proto")).toEqual({ value: { y: 2 } });
  expect(await outcome(center, "nothing")).toEqual({ value: null });
  expect(await outcome(center, "large")).toEqual({ value: "x".repeat(1024 * 1024) });
  expect(await outcome(center, "echo")).toEqual({ value: "fine" });
});

test("a method that hangs ends at the deadline, hears of it, and gives its place back", async () => {
  const seen = { aborted: 0, started: 0 };
  const center = await startCenter();
  await startNode([center], [mischief(seen)]);
  await untilListed(center, "mischief", 1);
  expect(await outcome(center, "hangs", { timeoutMs: 100 })).toEqual({ status: 504, code: "NODE_TIMEOUT" });
  await vi.waitFor(() => expect(seen).toEqual({ aborted: 1, started: 1 }));
  expect(await outcome(center, "hangs", { timeoutMs: 100 })).toEqual({ status: 504, code: "NODE_TIMEOUT" });
  await vi.waitFor(() => expect(seen).toEqual({ aborted: 2, started: 2 }));
});

test("schemas that throw or hang fail their call alone, and give its place back", async () => {
  const throwing = anything.refine(() => {
    throw new Error("thrown by a schema");
  });
  const hanging = anything.refine(() => new Promise<boolean>(() => {}));
  let handled = 0;
  const handler = (): unknown => (handled += 1);
  const bounded = { params: anything, result: anything, maxConcurrent: 1, handler };
  const methods = {
    paramsThrow: method({ ...bounded, params: throwing }),
    resultThrows: method({ ...bounded, result: throwing }),
    paramsHang: method({ ...bounded, params: hanging }),
    resultHangs: method({ ...bounded, result: hanging }),
  };
  const center = await startCenter();
  await startNode([center], [{ name: "mischief", methods }]);
  await untilListed(center, "mischief", 1);
  for (const name of ["paramsThrow", "resultThrows"]) {
    expect(await outcome(center, name), name).toEqual({ status: 502, code: "METHOD_FAILED" });
  }
  expect(handled).toBe(1);
  const hangs = { status: 504, code: "NODE_TIMEOUT" };
  for (const name of ["paramsHang", "resultHangs"]) {
    expect(await outcome(center, name, { timeoutMs: 100 }), name).toEqual(hangs);
    await vi.waitFor(async () => expect(await outcome(center, name, { timeoutMs: 100 })).toEqual(hangs));
  }
});

test("in process a call has five seconds unless it says otherwise, and a wrong mode is refused", async () => {
  const center = await startCenter();
  await startNode([center], [mischief()]);
  await untilListed(center, "mischief", 1);
  const call = { service: "mischief", method: "echo" };
  expect(await center.services.call(call)).toMatchObject([{ ok: true, value: "fine" }]);
  await expect(center.services.call({ ...call, mode: "every" as "all" })).rejects.toMatchObject({
    code: "INVALID_PARAMS",
    message: "mode: expected one or all",
  });
});

test("as many calls of a method run as it allows; a further one goes to another node, or is refused", async () => {
  const seen = { aborted: 0, started: 0 };
  const center = await startCenter();
  const node = await startNode([center], [mischief(seen)]);
  await untilListed(center, "mischief", 1);
  const hanging = outcome(center, "hangs", { nodeId: node.id, timeoutMs: 2000 });
  await vi.waitFor(() => expect(seen.started).toBe(1));
  expect(await outcome(center, "hangs")).toEqual({ status: 503, code: "METHOD_BUSY" });
  const other = { aborted: 0, started: 0 };
  await startNode([center], [mischief(other)]);
  await untilListed(center, "mischief", 2);
  const second = outcome(center, "hangs", { timeoutMs: 500 });
  await vi.waitFor(() => expect(other.started).toBe(1));
  expect(await second).toEqual({ status: 504, code: "NODE_TIMEOUT" });
  expect(await hanging).toEqual({ status: 504, code: "NODE_TIMEOUT" });
});

test("a caller that goes away ends what runs for it", async () => {
  const seen = { aborted: 0, started: 0 };
  const center = await startCenter();
  await startNode([center], [mischief(seen)]);
  await untilListed(center, "mischief", 1);
  const controller = new AbortController();
  const gone = fetch(`http://${center.addresses.http}/services/mischief/hangs`, {
    method: "POST",
    body: '{"timeoutMs":60000}',
    signal: controller.signal,
  });
  await vi.waitFor(() => expect(seen.started).toBe(1));
  controller.abort();
  await expect(gone).rejects.toThrow();
  await vi.waitFor(() => expect(seen.aborted).toBe(1));
});

test("one node, a named one or all are asked, and each says what came of it", async () => {
  const add = (by: number): Service => ({
    name: "math",
    methods: {
      add: method({ params: z.object({ a: z.number() }), result: z.number(), handler: ({ a }) => a + by }),
      half: method({
        params: z.object({}),
        result: z.number(),
        handler: () => (by === 1 ? by : Promise.reject(new Error("not here"))),
      }),
    },
  });
  const center = await startCenter();
  const [one, two] = [await startNode([center], [add(1)]), await startNode([center], [add(2)])];
  await startNode([center]);
  await untilListed(center, "math", 2);
  const all = await post(center, "/services/math/add", { mode: "all", params: { a: 1 } });
  expect(all.json["results"]).toEqual(
    expect.arrayContaining([
      { nodeId: one.id, ok: true, value: 2 },
      { nodeId: two.id, ok: true, value: 3 },
    ]),
  );
  const named = await post(center, "/services/math/add", { nodeId: two.id, params: { a: 1 } });
  expect(named.json["results"]).toEqual([{ nodeId: two.id, ok: true, value: 3 }]);
  const any = await post(center, "/services/math/add", { params: { a: 1 } });
  expect(any.json["results"]).toHaveLength(1);
  const partial = await post(center, "/services/math/half", { mode: "all" });
  expect(partial.status).toBe(200);
  expect(partial.json["results"]).toEqual(
    expect.arrayContaining([
      { nodeId: one.id, ok: true, value: 1 },
      { nodeId: two.id, ok: false, code: "METHOD_FAILED", message: "math.half: not here" },
    ]),
  );
});

test("what cannot be called is a problem that says why, and only declared methods can", async () => {
  const center = await startCenter();
  const node = await startNode([center], [mischief()]);
  await untilListed(center, "mischief", 1);
  const problem = async (path: string, body: object): Promise<unknown> => {
    const { status, type, json } = await post(center, path, body);
    expect(type).toBe("application/problem+json; charset=utf-8");
    return { status, code: json["code"] };
  };
  expect(await problem("/services/none/x", {})).toEqual({ status: 404, code: "UNKNOWN_SERVICE" });
  for (const name of ["constructor", "__proto__", "toString", "handler"]) {
    expect(await problem(`/services/mischief/${name}`, {}), name).toEqual({
      status: 404,
      code: "UNKNOWN_METHOD",
    });
    expect(await problem(`/services/websocket/${name}`, {}), name).toEqual({
      status: 404,
      code: "UNKNOWN_METHOD",
    });
  }
  const other = "0".repeat(32);
  expect(await problem("/services/mischief/echo", { nodeId: other })).toEqual({
    status: 404,
    code: "UNKNOWN_SERVICE",
  });
  expect(await problem("/services/mischief/echo", { mode: "some" })).toEqual({
    status: 400,
    code: "INVALID_PARAMS",
  });
  expect(await problem("/services/mischief/echo", { timeoutMs: 0 })).toEqual({
    status: 400,
    code: "INVALID_PARAMS",
  });
  expect(await problem("/services/websocket/sendToUser", { params: { userId: 1 } })).toEqual({
    status: 400,
    code: "INVALID_PARAMS",
  });
  await node.stop();
  await untilListed(center, "mischief", 0);
  expect(await problem("/services/mischief/echo", {})).toEqual({ status: 404, code: "UNKNOWN_SERVICE" });
});

test("the hub's commands are called like any method", async () => {
  const center = await startCenter();
  const node = await startNode([center]);
  const client = await connect(node);
  const sent = await post(center, "/services/websocket/broadcast", {
    mode: "all",
    params: { message: "hello" },
  });
  expect(sent.json["results"]).toEqual([{ nodeId: node.id, ok: true, value: 1 }]);
  await client.settled();
  expect(client.messages).toEqual(["hello"]);
});

test("a token is asked for as everywhere", async () => {
  const center = await startCenter({ token: ["s3cret"] });
  const url = `http://${center.addresses.http}/services`;
  expect((await fetch(url)).status).toBe(401);
  expect((await fetch(`${url}/websocket/countUsers`, { method: "POST" })).status).toBe(401);
  expect((await fetch(url, { headers: { Authorization: "Bearer s3cret" } })).status).toBe(200);
});
