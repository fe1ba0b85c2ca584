import type { Json } from "./http.js";

/** Stands where a node's place has to hold a failure, whose text is free. */
export const failure = "<failure>";

/** What must come instead of what was recorded. */
export interface Difference {
  /** The words of the contract's last section that allow it. */
  readonly why: string;
  /** The whole request fails and nothing is run. */
  readonly wholeFailure?: true;
  /** By event: the values at node 1 and node 2, or the one value at a node's own port. */
  readonly data?: Readonly<Record<string, readonly Json[]>>;
  /** By client; where not given, the recorded frames. */
  readonly frames?: Readonly<Record<string, readonly string[]>>;
}

const sendResults = "send results (there always 0)";
const emptyIds = "empty ids and what follows from them";
const idsAsNumbers = "ids that it returns as numbers";
const oddIds = "boolean and array ids (there bound, or a failure at one node only)";
const fractions = "fractional number ids (there truncated)";
const maps = "lists that it returns as maps";
const noQuery = "get_IdData without parameters (there [])";
const leaveOfNonMember = "leaveGroupById and leaveGroupBy_Id of a non-member (there 0)";
const leaveAll = "leaveAllGroup* (there always 0)";
const groupName = "isInGroupBy_Id (there the group's name)";
const oddMessages = "messages that are booleans, objects or arrays";
const oddExclusions = "`0` or `true` in exclusion lists";
const spaces = "spaces around event names and empty names in a batch (there unknown events)";

const sent = (event: string, node1: number, node2: number): Difference => ({
  why: sendResults,
  data: { [event]: [node1, node2] },
});
const failed = (event: string, why: string): Difference => ({ why, data: { [event]: [failure, failure] } });
const odd = (text: string): Difference => ({
  why: oddMessages,
  data: { sendMessageTo_Id: [1, 0] },
  frames: { B: [text] },
});

const rooms = ["room1", "room2", "room3"];

/** By section and position in `golden.json`. */
export const differences: Readonly<Record<string, Difference>> = {
  "stats/16": { why: spaces, data: { getIds: [[], []], get_IdCount: [3, 2] } },
  "stats/17": { why: spaces, data: { getIds: [[], []] } },
  "stats/18": { why: spaces, wholeFailure: true },
  "stats/19": failed("GETIDS", "case-insensitive event names"),

  "bind/7": failed("bindId", emptyIds),
  "bind/8": {
    why: emptyIds,
    data: {
      getIds: [
        ["user1", "user2"],
        ["user1", "user5"],
      ],
    },
  },
  "bind/9": failed("isOnlineId", emptyIds),
  "bind/10": { why: emptyIds, data: { unBind_Id: [1, 1] } },
  "bind/16": failed("bindId", oddIds),
  "bind/18": {
    why: fractions,
    data: {
      getIds: [
        ["user1", "user2", "1.5"],
        ["user1", "user5"],
      ],
    },
  },
  "bind/21": failed("bindId", oddIds),
  "bind/22": {
    why: oddIds,
    data: {
      getIds: [
        ["user1", "user2"],
        ["user1", "user5"],
      ],
    },
  },
  "bind/23": { why: oddIds, data: { unBind_Id: [1, 1] } },
  "bind/25": {
    why: idsAsNumbers,
    data: {
      getIds: [
        ["user1", "user2", "123"],
        ["user1", "user5"],
      ],
    },
  },
  "bind/34": {
    why: idsAsNumbers,
    data: {
      getIds: [
        ["user1", "user2", "0"],
        ["user1", "user5"],
      ],
    },
  },
  "bind/42": { why: maps, data: { getBind_IdsById: [["<A>"], ["<D>"]] } },
  "bind/46": { why: noQuery, data: { get_IdData: [{ uid: "7", x: "1" }, {}] } },
  "bind/47": { why: noQuery, data: { get_IdData: [{}, {}] } },
  "bind/48": { why: noQuery, data: { get_IdData: [{}, {}] } },

  "groups/5": { why: emptyIds, data: { getGroupIdsById: [[" sp ", "x"], []] } },
  "groups/6": { why: leaveAll, data: { leaveAllGroupById: [0, 2] } },
  "groups/14": { why: groupName, data: { isInGroupBy_Id: [true, false] } },
  "groups/15": failed("joinGroupBy_Id", emptyIds),
  "groups/18": {
    why: `${idsAsNumbers}; ${emptyIds}`,
    data: { getGroupIds: [[...rooms, "p,q", "42", "0"], rooms] },
  },
  "groups/21": { why: maps, data: { getGroupIdsBy_Id: [rooms, []] } },
  "groups/22": {
    why: "`data: null` and null values (there from numeric groups and at a node's port)",
    data: { getGroupIdsBy_Id: [["room1", "42", "0"], []] },
  },
  "groups/25": { why: emptyIds, data: { getGroupCountBy_Id: [3, 0] } },
  "groups/28": { why: groupName, data: { isInGroupBy_Id: [true, false] } },
  "groups/29": { why: groupName, data: { isInGroupBy_Id: [true, false] } },
  "groups/39": { why: leaveOfNonMember, data: { leaveGroupById: [2, 1] } },
  "groups/40": { why: leaveOfNonMember, data: { leaveGroupBy_Id: [1, 2] } },
  "groups/41": { why: leaveOfNonMember, data: { leaveGroupBy_Id: [1] } },
  "groups/45": { why: leaveAll, data: { leaveAllGroupBy_Id: [0, 2] } },
  "groups/46": { why: leaveAll, data: { leaveAllGroupBy_Id: [2, 2] } },
  "groups/47": { why: leaveAll, data: { leaveAllGroupById: [2, 2] } },

  "send/1": sent("sendMessageToId", 1, 1),
  "send/2": sent("sendMessageToId", 1, 1),
  "send/4": sent("sendMessageToId", 0, 1),
  "send/5": sent("sendMessageToId", 1, 0),
  "send/6": {
    why: "exclusion lists given as one string (there a failure)",
    data: { sendMessageToId: [1, 0] },
    frames: { A: ["m"] },
  },
  "send/8": sent("sendMessageTo_Id", 1, 0),
  "send/10": sent("sendMessageTo_Id", 1, 0),
  "send/11": sent("sendMessageTo_Id", 1, 0),
  "send/12": sent("sendMessageTo_Id", 1, 0),
  "send/13": sent("sendMessageTo_Id", 1, 0),
  "send/14": sent("sendMessageTo_Id", 1, 0),
  "send/15": odd("true"),
  "send/16": odd("false"),
  "send/18": odd('{"a":1}'),
  "send/19": odd("[1,2]"),
  "send/20": odd('{"a":"1"}'),
  "send/21": sent("sendMessageTo_Id", 1, 0),
  "send/22": sent("sendMessageTo_Id", 1, 0),
  "send/23": sent("sendToGroup", 3, 1),
  "send/26": sent("sendToGroup", 2, 0),
  "send/27": sent("sendToGroup", 2, 0),
  "send/28": {
    why: oddExclusions,
    data: { sendToGroup: [3, 1] },
    frames: { A: ["g4"], B: ["g4"], C: ["g4"], D: ["g4"] },
  },
  "send/29": { why: oddExclusions, data: { sendToGroup: [failure, failure] }, frames: {} },
};
