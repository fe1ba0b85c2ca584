import { describe, expect, test } from "vitest";
import {
  type ClassicEvent,
  type ClassicParamKind,
  type ClassicParams,
  classicEvents,
  commands,
  findClassicEvent,
  isCommandName,
} from "../src/index.js";

/** The events of the classic API with their parameters in order, as they have always been. */
const contract: Record<string, string[]> = {
  getConnectionCount: [],
  get_IdCount: [],
  get_Ids: [],
  getIds: [],
  getBindIds: [],
  getIdCount: [],
  getBindIdCount: [],
  getBind_Ids: [],
  getBind_IdCount: [],
  getBind_IdsById: ["id"],
  getIdBy_Id: ["_id"],
  get_IdData: ["_id"],
  isOnlineId: ["id"],
  isOnline_Id: ["_id"],
  bindId: ["id", "_id"],
  unBindId: ["id"],
  unBind_Id: ["_id"],
  joinGroupById: ["groupId", "id"],
  joinGroupBy_Id: ["groupId", "_id"],
  leaveGroupById: ["groupId", "id"],
  leaveGroupBy_Id: ["groupId", "_id"],
  leaveAllGroupById: ["id"],
  leaveAllGroupBy_Id: ["_id"],
  getGroupIds: [],
  getGroupIdsById: ["id"],
  getGroupIdsBy_Id: ["_id"],
  getGroupCountById: ["id"],
  getGroupCountBy_Id: ["_id"],
  isInGroupById: ["groupId", "id"],
  isInGroupBy_Id: ["groupId", "_id"],
  getGroupIdCount: ["groupId"],
  getGroup_IdCount: ["groupId"],
  sendMessageToId: ["id", "msg", "exclude_Ids"],
  sendMessageTo_Id: ["_id", "msg"],
  sendToClient: ["_id", "msg", "id", "exclude_Ids"],
  sendToGroup: ["groupId", "msg", "excludeIds", "exclude_Ids"],
  sendMessageToGroupByOnlyId: ["id", "msg", "exclude_Ids"],
  sendMessageToGroupByOnly_Id: ["_id", "msg", "exclude_Ids"],
  broadcast: ["msg", "exclude_Ids"],
  randSendToConnection: ["data"],
  broadcastToGroupOnce: ["groupId", "data"],
  closeById: ["id", "reason"],
  closeBy_Id: ["_id", "reason"],
};

/** A value that a parameter of each kind has after it was read. */
const read: Record<ClassicParamKind, string | string[]> = {
  id: "an id",
  optionalId: "an id",
  optionalConnectionId: "an id",
  groupList: ["g", "h"],
  message: "",
  idList: ["x"],
  reason: "bye",
};

const paramsOf = ({ params }: ClassicEvent, leave: readonly string[] = []): ClassicParams =>
  Object.fromEntries(
    params.filter(({ name }) => !leave.includes(name)).map(({ name, kind }) => [name, read[kind]]),
  );

const changes = ["done", "unchanged", "absent"];

describe("the events of the classic API", () => {
  test("are those of the contract, with their parameters in the order in which they count by position", () => {
    const events = Object.entries(classicEvents).map(([name, { params }]) => [
      name,
      params.map((param) => param.name),
    ]);
    expect(Object.fromEntries(events)).toEqual(contract);
  });

  test("are found by their exact names, and by nothing that every object has", () => {
    for (const name of Object.keys(contract)) expect(findClassicEvent(name)).toBe(classicEvents[name]);
    for (const name of ["", "constructor", "__proto__", "getids", "BINDID", "bindId "]) {
      expect(findClassicEvent(name)).toBeUndefined();
    }
  });

  test.each(Object.entries(classicEvents))(
    "%s stands for commands of the table, whose parameters it gives",
    (_name, event) => {
      for (const name of event.commands) expect(isCommandName(name)).toBe(true);
      for (const { name, kind } of event.params) {
        expect(Object.keys(read)).toContain(kind);
        expect(name).not.toBe("");
      }
      expect(new Set(event.params.map(({ name }) => name)).size).toBe(event.params.length);
      const command = event.toCommand(paramsOf(event));
      if (command === undefined) throw new Error("nobody is named, though every parameter is given");
      expect(event.commands).toContain(command.name);
      expect(commands[command.name].params.safeParse(command.params)).toMatchObject({ success: true });
      // Nothing that was given is lost.
      const given = JSON.stringify(command.params);
      for (const { kind } of event.params)
        if (!kind.startsWith("optional")) expect(given).toContain(JSON.stringify(read[kind]));
      expect(event.doc).not.toBe("");
    },
  );

  test.each(Object.entries(classicEvents))(
    "%s has a value for whatever its commands return",
    (_name, event) => {
      for (const name of event.commands) {
        const { result, absent } = commands[name];
        const results: unknown[] = [absent, "done", 3, true, false, ["a"], "text", null, {}];
        for (const value of results.filter((candidate) => result.safeParse(candidate).success)) {
          const json: unknown = JSON.parse(JSON.stringify({ value: event.toValue(value) }));
          expect(json).toEqual({ value: expect.anything() });
        }
      }
    },
  );

  test("say 0, 1 and 2 for done, unchanged and absent, and 0 for no user", () => {
    for (const [name, event] of Object.entries(classicEvents)) {
      if (/^(bind|unBind|join|leave)/.test(name)) expect(changes.map(event.toValue)).toEqual([0, 1, 2]);
    }
    expect(classicEvents["getIdBy_Id"]?.toValue(null)).toBe(0);
    expect(classicEvents["getIdBy_Id"]?.toValue("0")).toBe("0");
  });

  test("that take optional parameters do without them", () => {
    for (const [name, leave] of [
      ["sendMessageToId", ["exclude_Ids"]],
      ["sendToGroup", ["excludeIds", "exclude_Ids"]],
      ["sendMessageToGroupByOnlyId", ["exclude_Ids"]],
      ["broadcast", ["exclude_Ids"]],
    ] as const) {
      const event = classicEvents[name];
      const command = event?.toCommand(paramsOf(event, leave));
      if (command === undefined) throw new Error(`${name} needs more than the contract says`);
      expect(commands[command.name].params.safeParse(command.params).success).toBe(true);
    }
  });
});

describe("sendToClient", () => {
  const event = classicEvents["sendToClient"];
  test("goes by user where `id` is given, else by connection, and to nobody where neither is", () => {
    const rest = { msg: "m", exclude_Ids: ["x"] };
    const message = { message: "m", exceptConnectionIds: ["x"] };
    expect(event?.toCommand({ ...rest, id: "u", _id: "c" })).toEqual({
      name: "sendToUser",
      params: { userId: "u", ...message },
    });
    expect(event?.toCommand({ ...rest, _id: "c" })).toEqual({
      name: "sendToConnection",
      params: { connectionId: "c", ...message },
    });
    expect(event?.toCommand(rest)).toBeUndefined();
  });
});
