// As back-end.ts, with the package: lets the connection argv[2] in as the user ada, sends to her, asks who is online.
import { createBackend } from "@websocket-center/client/server";

const { CENTER_URL = "http://127.0.0.1:8011", TOKEN } = process.env;
const backend = createBackend({
  centers: CENTER_URL.split(","),
  timeoutMs: 2000,
  ...(TOKEN === undefined ? {} : { token: TOKEN }),
});

const connectionId = process.argv[2];
if (connectionId === undefined) throw new Error("usage: node with-package.js CONNECTION_ID");
const commands = [
  { command: "bindUser", params: { userId: "ada", connectionId } },
  { command: "joinUserToGroups", params: { groupIds: ["room"], userId: "ada" } },
  { command: "sendToUser", params: { userId: "ada", message: "welcome" } },
  { command: "sendToGroup", params: { groupId: "room", message: '{"from":"ada","text":"hi"}' } },
  { command: "broadcast", params: { message: "ada is here", exceptConnectionIds: [connectionId] } },
] as const;

const results = await backend.batch(commands);
for (const [at, result] of results.entries()) {
  if (!result.ok) throw result.error;
  for (const { nodeId, message } of result.failures) {
    console.error(`${commands[at]?.command} at node ${nodeId}: ${message}`);
  }
}
const [bound, , ...sent] = results;
console.log(`bound: ${bound.ok && bound.value === "done"}`);
for (const result of sent) console.log(`queued: ${result.ok ? result.value : 0}`);
console.log(`ada is online: ${(await backend.isUserOnline({ userId: "ada" })).value}`);
console.log(`users: ${(await backend.listUsers({})).value.join(", ")}`);
await backend.close();
