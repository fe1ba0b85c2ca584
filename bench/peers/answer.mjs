/** What the bare servers answer: as much as a center does. */
export const answer = {
  code: 0,
  msg: "ok",
  extra: [],
  master_ids: ["0123456789abcdef0123456789abcdef"],
  data: { sendMessageToId: { "0123456789abcdef0123456789abcdef": 1 } },
};
