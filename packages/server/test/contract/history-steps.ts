import fc from "fast-check";
import { events } from "./model-parameters.js";
import type { Parameter, ParameterKind } from "./model-parameters.js";
import { Num } from "./values.js";
import type { Value } from "./values.js";

/** One event of a call. In its values, a text `@3` stands for the id of the connection opened as fourth. */
export interface EventCall {
  readonly name: string;
  /** What stands under the name; undefined where nothing does. */
  readonly holder: Value | undefined;
}

export type Step =
  | { readonly kind: "open"; readonly node: number; readonly query: string }
  | { readonly kind: "close"; readonly which: number; readonly abruptly: boolean }
  /** Stops a center, or where one is stopped lets that one go on. */
  | { readonly kind: "freeze"; readonly center: number }
  | { readonly kind: "restart"; readonly center: number }
  | {
      readonly kind: "call";
      /** 0 and 1 are the centers, 2 and 3 the nodes' own ports. */
      readonly port: number;
      readonly calls: readonly EventCall[];
      readonly comma: string;
      readonly form:
        | "query"
        | "body"
        | "event in the query"
        | "decoys in the query"
        | "first event in the query";
    };

const map = (entries: Readonly<Record<string, Value>>): Value => new Map(Object.entries(entries));

const connection = fc.oneof(
  { weight: 20, arbitrary: fc.nat({ max: 5 }).map((index) => `@${index}`) },
  { weight: 1, arbitrary: fc.constantFrom<Value>("nope", "0".repeat(32), "__proto__", new Num("12"), "@0 ") },
);

const user = fc.oneof(
  { weight: 16, arbitrary: fc.constantFrom<Value>("u1", "u2") },
  { weight: 4, arbitrary: fc.constantFrom<Value>("7", "用户/é\"'<&>") },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Value>(
      "0",
      "9007199254740993",
      "é",
      "e\u0301",
      "constructor",
      "__proto__",
      "a,b",
    ),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Value>(
      ...["7", "0", "9007199254740993", "9007199254740992", "1.5", "123456789012345678901234567890"].map(
        (text) => new Num(text),
      ),
    ),
  },
);

const group = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom<Value>("g1", "g2", "g3") },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Value>(" g1", "42", new Num("42"), "部屋", "g1,g2", "toString", "%41+&=[]"),
  },
);

const groups = fc.oneof(
  { weight: 6, arbitrary: group },
  { weight: 2, arbitrary: fc.constantFrom<Value>("g1,g2,g3", ",g1,,g3,", "g2, g1", "g3,g3", "42,部屋") },
  { weight: 1, arbitrary: fc.constantFrom<Value>(",", ",,,") },
);

const message = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom<Value>("", "hi", "ping", "你好 🎉 é", "a+b %41&=[]\u0000", '{"cmd":"pong"}'),
  },
  { weight: 2, arbitrary: fc.constantFrom<Value>(new Num("42"), new Num("-1.5"), true, false) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Value>(
      [new Num("1"), "b", ["c"]],
      map({ a: new Num("1"), b: map({ c: "é" }) }),
      ["x"],
    ),
  },
);

const reason = fc.constantFrom<Value>("", "bye", "再见", null);

const badId = fc.constantFrom<Value>(
  null,
  "",
  true,
  false,
  [],
  ["u1"],
  map({ x: "u1" }),
  "a\uD800",
  "x".repeat(513),
);
const badList = fc.constantFrom<Value>(true, ["u1", false], [null], [["u1"]], [map({ y: "u1" })], ["\uDFFF"]);

const idList = (name: string): fc.Arbitrary<Value> => {
  const item = fc.oneof(
    { weight: 5, arbitrary: name === "excludeIds" ? user : connection },
    fc.constant<Value>(""),
  );
  return fc.oneof(
    { weight: 6, arbitrary: fc.array(item, { maxLength: 3 }) },
    { weight: 2, arbitrary: item },
    {
      weight: 1,
      arbitrary: fc.array(item, { minLength: 1, maxLength: 2 }).map(([x = "", y = ""]) => map({ x, y })),
    },
    { weight: 1, arbitrary: fc.constant<Value>(null) },
  );
};

function goodValue({ name, kind }: Parameter): fc.Arbitrary<Value> {
  switch (kind) {
    case "id":
      return name === "_id" ? connection : name === "groupId" ? group : user;
    case "groups":
      return groups;
    case "message":
      return message;
    case "idList":
      return idList(name);
    case "optionalConnection":
      return fc.oneof({ weight: 3, arbitrary: connection }, fc.constantFrom<Value>("", null));
    case "optionalUser":
      return fc.oneof({ weight: 2, arbitrary: user }, fc.constantFrom<Value>("", null, new Num("0")));
    case "reason":
      return reason;
  }
}

function badValue(kind: ParameterKind): fc.Arbitrary<Value> {
  switch (kind) {
    case "idList":
      return badList;
    case "message":
      return fc.constantFrom<Value>(null, "a\uD800b");
    case "reason":
      return reason;
    case "id":
    case "groups":
    case "optionalConnection":
    case "optionalUser":
      return badId;
  }
}

function holder(parameters: readonly Parameter[]): fc.Arbitrary<Value | undefined> {
  const values = parameters.map((parameter) =>
    fc.oneof(
      { weight: 30, arbitrary: goodValue(parameter) },
      { weight: 1, arbitrary: badValue(parameter.kind) },
    ),
  );
  const named = fc.tuple(...values).map((list): Value => {
    const entries = list.map((item, index): [string, Value] => [parameters[index]?.name ?? "", item]);
    return new Map(entries);
  });
  const positional = fc.tuple(...values);
  const cut = fc.tuple(positional, fc.nat({ max: 3 })).map(([list, length]): Value => list.slice(0, length));
  const more = named.map((item): Value => new Map([["more", "x"], ...(item as ReadonlyMap<string, Value>)]));
  return fc.oneof(
    { weight: 12, arbitrary: named },
    { weight: 8, arbitrary: positional },
    { weight: 2, arbitrary: more },
    { weight: 1, arbitrary: cut },
    {
      weight: 1,
      arbitrary: fc.constantFrom<Value | undefined>(undefined, null, "foo", true, new Num("7"), [], ""),
    },
  );
}

const isClose = (name: string): boolean => name.startsWith("close");

/** Without binds and joins nothing else has anything to find; sends have the most parameters. */
function weightOf(name: string): number {
  return name === "bindId" ? 16 : name.startsWith("join") ? 12 : name.startsWith("send") ? 6 : 2;
}

const knownCalls = (wanted: (name: string) => boolean): fc.Arbitrary<EventCall> =>
  fc.oneof(
    ...[...events]
      .filter(([name]) => wanted(name))
      .map(([name, parameters]) => ({
        weight: weightOf(name),
        arbitrary: holder(parameters).map((item) => ({ name, holder: item })),
      })),
  );

const unknownCall = fc
  .constantFrom("constructor", "__proto__", "on", "toString", "GETIDS", "bind Id", "hasOwnProperty")
  .map((name): EventCall => ({ name, holder: map({ id: "u1", _id: "@0" }) }));

const batch = fc
  .tuple(
    fc.uniqueArray(
      fc.oneof(
        { weight: 20, arbitrary: knownCalls((name) => !isClose(name)) },
        { weight: 1, arbitrary: unknownCall },
      ),
      { minLength: 1, maxLength: 4, selector: ({ name }) => name },
    ),
    // What a batch sees of connections that it has closed itself is not promised: a close comes last.
    fc.option(knownCalls(isClose), { freq: 12, nil: undefined }),
  )
  .map(([list, close]) => (close === undefined ? list : [...list, close]));

/** What clients and back ends do. */
export const calls: readonly fc.WeightedArbitrary<Step>[] = [
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("open" as const),
      node: fc.nat({ max: 1 }),
      query: fc.constantFrom("", "?uid=7&x=1", "?name=%E7%94%A8+1"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("close" as const),
      which: fc.nat({ max: 5 }),
      abruptly: fc.boolean(),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant("call" as const),
      port: fc.nat({ max: 3 }),
      calls: batch,
      comma: fc.constantFrom(",", ",", " , ", ",,"),
      form: fc.constantFrom(
        "query" as const,
        "body" as const,
        "event in the query" as const,
        "decoys in the query" as const,
        "first event in the query" as const,
      ),
    }),
  },
];

/** What befalls centers: nobody else may notice. */
export const faults: readonly fc.WeightedArbitrary<Step>[] = [
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("freeze" as const), center: fc.nat({ max: 1 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const), center: fc.nat({ max: 1 }) }) },
];

export function steps(kinds: readonly fc.WeightedArbitrary<Step>[]): fc.Arbitrary<readonly Step[]> {
  return fc.array(fc.oneof(...kinds), { minLength: 10, maxLength: 40, size: "max" });
}

/** How every history begins. */
export const opened: readonly Step[] = ["", "?uid=7&x=1", "", "?name=%E7%94%A8+1"].map((query, index) => ({
  kind: "open",
  node: index % 2,
  query,
}));

/** How half of them go on, so that sends find users in groups. */
export const bound: readonly Step[] = [
  ["u1", "g1"],
  ["u2", "g1"],
  ["u2", "g2"],
  [undefined, "g2"],
].map(([user, name = ""], index) => ({
  kind: "call",
  port: index % 4,
  calls: [
    ...(user === undefined ? [] : [{ name: "bindId", holder: [user, `@${index}`] }]),
    { name: "joinGroupBy_Id", holder: [name, `@${index}`] },
  ],
  comma: ",",
  form: "body",
}));
