// A chat room. Everybody who connects with ?name=… is in it; what one writes, all get.
//
//   node chat-room.mjs                      a center and a node, and the room is open
//   ws://127.0.0.1:8090/?name=ada           connect, and talk
//   curl 'http://127.0.0.1:8011/?event=sendToGroup' -d '{"sendToGroup":{"groupId":"room","msg":"from the back end"}}'
import { createCenter, createNode } from "websocket-center";

const { LINK_PORT = 8010, HTTP_PORT = 8011, PORT = 8090 } = process.env;
const center = createCenter({ linkPort: Number(LINK_PORT), httpPort: Number(HTTP_PORT) });
const node = createNode(
  { port: Number(PORT), centers: [String(LINK_PORT)], openMessage: false },
  { authorize },
);
const room = "room";

/** Who has no name stays outside. The name becomes the user id, so that back ends can reach the person too. */
function authorize(request) {
  const name = new URL(request.url, "http://localhost").searchParams.get("name");
  if (!name) return { admit: false, status: 401, reason: "connect with ?name=YOUR_NAME" };
  return { admit: true, userId: name, groups: [room] };
}

function say(line, except) {
  node.hub.sendToGroup({ groupId: room, message: JSON.stringify(line), exceptConnectionIds: except });
}

node.on("open", ({ userId }) => say({ from: userId, joined: true }));
node.on("message", ({ id, userId }, text) => say({ from: userId, text }, [id]));
node.on("close", ({ userId }) => say({ from: userId, left: true }));

await center.start();
await node.start();
console.log(`the room is open at ${node.publicUrl}/?name=YOUR_NAME`);

process.once("SIGINT", () => {
  void node.drain().then(() => Promise.all([node.stop(), center.stop()]));
});
