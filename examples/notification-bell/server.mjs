// A bell that counts what is new, the same in all of a user's tabs. Any back end rings it, through the API of a center.
//
//   npm run build && node examples/notification-bell/server.mjs   then open http://127.0.0.1:8080/?name=ada
//   curl 'http://127.0.0.1:8011/?event=sendMessageToId' -d '{"sendMessageToId":{"id":"ada","msg":{"news":"hello"}}}'
import { fileURLToPath } from "node:url";
import { startApp } from "../app-server.mjs";

const { node } = await startApp(fileURLToPath(new URL(".", import.meta.url)));

// One tab has shown what is new: all of the user's tabs, on whichever node, count from nothing again.
node.on("message", ({ userId }, text) => {
  if (text === "seen") void node.cluster.sendToUser({ userId, message: '{"seen":true}' });
});
node.on("error", (error) => console.error(error.message));
