import { type Command, type CommandName, commands } from "@websocket-center/protocol";
import fc from "fast-check";

const id = fc.oneof(
  fc.constantFrom("u1", "u2", "g1", "g2", "constructor", "__proto__", "0"),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }),
  fc.stringMatching(/^[0-9a-f]{32}$/),
);
const ids = fc.array(id, { maxLength: 3 });
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });

/** Values that the table allows, by the name of the parameter. */
const byName: Record<string, fc.Arbitrary<unknown>> = {
  userId: id,
  connectionId: id,
  groupId: id,
  groupIds: fc.array(id, { minLength: 1, maxLength: 4 }),
  message: fc.oneof(fc.string({ unit: "grapheme" }), fc.uint8Array({ maxLength: 20 })),
  exceptConnectionIds: optional(ids),
  exceptUserIds: optional(ids),
  reason: optional(fc.constantFrom("", "bye", "x".repeat(123))),
};

export function paramNames(name: CommandName): string[] {
  return Object.keys(commands[name].params.shape);
}

/** The command with any parameters that the table allows; `fixed` ones stay as they are. */
export function anyCommand(name: CommandName, fixed: Record<string, unknown> = {}): fc.Arbitrary<Command> {
  const params = paramNames(name).map((param) => {
    const arbitrary = byName[param];
    if (arbitrary === undefined) throw new Error(`no values for the parameter ${param} of ${name}`);
    return [param, param in fixed ? fc.constant(fixed[param]) : arbitrary] as const;
  });
  return fc.record(Object.fromEntries(params)).map((values) => ({
    name,
    params: Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)),
  })) as fc.Arbitrary<Command>;
}

export const commandNames = Object.keys(commands) as CommandName[];
