import { commands } from "@websocket-center/protocol";
import { expect, test } from "vitest";
import { method, type Method, type Service, z } from "../../src/index.js";
import { get, startCenter, startNode, untilListed } from "./cluster.js";

const empty = method({ params: z.object({}), result: z.null(), handler: () => null });

function service(name: string, metadata: Record<string, unknown> = {}): Service {
  return { name, metadata, methods: { run: empty } };
}

test("a service is listed at all centers, those that are linked later too, and goes with its node", async () => {
  const [first, second] = [await startCenter(), await startCenter()];
  const node = await startNode([first]);
  const stop = node.services.register(service("billing"));
  await untilListed(first, "billing", 1);
  node.register([second.addresses.link]);
  await untilListed(second, "billing", 1);
  stop();
  await untilListed(first, "billing", 0);
  await untilListed(second, "billing", 0);
  node.services.register(service("search"));
  await untilListed(second, "search", 1);
  await node.stop();
  await untilListed(first, "search", 0);
});

test("services are found by name and by metadata, whose values are compared as text", async () => {
  const center = await startCenter();
  await startNode(
    [center],
    [service("a", { env: "prod", shard: 1, spare: false }), service("b", { env: "test" })],
  );
  await startNode([center], [service("a", { env: "test", shard: 2 })]);
  await untilListed(center, "a", 2);
  const names = async (query: string): Promise<string[]> => {
    const { services } = await get(center, `/services?${query}`);
    return (services as { name: string; metadata: { shard?: number } }[]).map(
      ({ name, metadata }) => `${name}${metadata.shard ?? ""}`,
    );
  };
  expect((await names("meta[env]=prod")).toSorted()).toEqual(["a1"]);
  expect((await names("name=a")).toSorted()).toEqual(["a1", "a2"]);
  expect(await names("name=a&meta[shard]=2")).toEqual(["a2"]);
  expect(await names("meta[spare]=false")).toEqual(["a1"]);
  expect(await names("name=a&meta[env]=test&meta[shard]=1")).toEqual([]);
  expect(await names("meta[constructor]=x")).toEqual([]);
  expect(await names("meta[__proto__]=x")).toEqual([]);
  expect(center.services.find({ name: "a", metadata: { shard: 2 } })).toHaveLength(1);
  expect(await get(center, "/services?name[]=a")).toMatchObject({ status: 400, code: "INVALID_PARAMS" });
  expect(await get(center, "/services?meta=x")).toMatchObject({ status: 400, code: "INVALID_PARAMS" });
});

test("the hub is the service websocket of every node, and its methods are the command table", async () => {
  const center = await startCenter();
  const node = await startNode([center]);
  const { services } = await get(center, "/services?name=websocket");
  expect(services).toEqual([
    { name: "websocket", nodeId: node.id, metadata: {}, methods: Object.keys(commands) },
  ]);
});

test("details=1 gives documentation and JSON Schemas of the methods", async () => {
  const center = await startCenter();
  const add = method({
    doc: "Adds.",
    params: z.object({ a: z.number() }),
    result: z.number(),
    handler: ({ a }) => a + 1,
  });
  await startNode([center], [{ name: "math", methods: { add } }]);
  await untilListed(center, "math", 1);
  const { services } = await get(center, "/services?name=math&details=1");
  expect(services).toMatchObject([
    {
      name: "math",
      methods: [
        {
          name: "add",
          doc: "Adds.",
          params: { properties: { a: { type: "number" } } },
          result: { type: "number" },
        },
      ],
    },
  ]);
});

test("the schema of parameters says what callers may leave out, that of the result what they always get", async () => {
  const center = await startCenter();
  const shape = z.object({ page: z.number().default(1) });
  const list = method({ params: shape, result: shape, handler: ({ page }) => ({ page }) });
  await startNode([center], [{ name: "lists", methods: { list } }]);
  await untilListed(center, "lists", 1);
  const [listed] = center.services.find({ name: "lists" });
  const [{ params, result } = {}] = listed?.methods ?? [];
  expect(params).not.toHaveProperty("required");
  expect(result).toMatchObject({ required: ["page"] });
});

test("a declaration that is wrong is refused where it is made", async () => {
  const center = await startCenter();
  const node = await startNode([center]);
  const code = (declared: Service): string => {
    try {
      node.services.register(declared);
    } catch (error) {
      return error instanceof Error && "code" in error ? String(error.code) : String(error);
    }
    return "registered";
  };
  expect(code(service("websocket"))).toBe("INVALID_PARAMS");
  expect(code(service(""))).toBe("INVALID_PARAMS");
  expect(code(service("a b"))).toBe("INVALID_PARAMS");
  expect(code({ name: "m", methods: { "no dots.": empty } })).toBe("INVALID_PARAMS");
  expect(code(service("big", { text: "x".repeat(70_000) }))).toBe("INVALID_PARAMS");
  for (const wrong of [{ maxConcurrent: 0 }, { maxConcurrent: NaN }, { handler: "x" }, { params: {} }]) {
    const methods = { tell: { ...empty, ...wrong } as unknown as Method };
    expect(code({ name: "m", methods }), JSON.stringify(wrong)).toBe("INVALID_PARAMS");
  }
  for (const wrong of [undefined, "x", {}, { name: "m" }, { name: "m", methods: { tell: null } }]) {
    expect(code(wrong as unknown as Service), JSON.stringify(wrong)).toBe("INVALID_PARAMS");
  }
  const ofZod3 = { safeParseAsync: () => Promise.resolve({ success: true, data: {} }) };
  const methods = { tell: { ...empty, params: ofZod3 } as unknown as Method };
  expect(() => node.services.register({ name: "m", methods })).toThrow(
    "service m: methods.tell: params: expected a schema of zod 4",
  );
  expect(() => node.services.register(service("m", { count: 1n }))).toThrow("service m: metadata: ");
  expect(code(service("ok"))).toBe("registered");
  expect(code(service("ok"))).toBe("INVALID_PARAMS");
  await untilListed(center, "ok", 1);
});
