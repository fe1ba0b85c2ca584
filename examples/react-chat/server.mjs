// A chat room in React. What one says goes to the whole room, on every node of the cluster.
//
//   npm run build && node examples/react-chat/server.mjs     then open http://127.0.0.1:8080/ in two tabs
import { fileURLToPath } from "node:url";
import { startApp } from "../app-server.mjs";

const groupId = "room";
const { node } = await startApp(fileURLToPath(new URL(".", import.meta.url)), { groups: [groupId] });
const say = (line) => node.cluster.sendToGroup({ groupId, message: JSON.stringify(line) });

node.on("open", ({ userId }) => say({ from: userId, joined: true }));
node.on("message", ({ userId }, text) => say({ from: userId, text }));
node.on("close", ({ userId }) => say({ from: userId, left: true }));
node.on("error", (error) => console.error(error.message));
