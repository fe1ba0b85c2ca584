// A chat room over two nodes: what is said on one is heard on both, through any center.
//
//   node cluster-chat.mjs
//   ws://127.0.0.1:8090/?name=ada and ws://127.0.0.1:8091/?name=bob
import { createCenter, createNode } from "websocket-center";

const { LINK_PORT = 8010, HTTP_PORT = 8011, PORTS = "8090,8091" } = process.env;
const center = createCenter({ linkPort: Number(LINK_PORT), httpPort: Number(HTTP_PORT) });
const groupId = "room";

function createRoom(port) {
  const node = createNode({ port: Number(port), centers: [String(LINK_PORT)] }, { authorize });
  const say = async (line) => {
    const { failures } = await node.cluster.sendToGroup({ groupId, message: JSON.stringify(line) });
    for (const { nodeId, message } of failures) console.error(`not heard on ${nodeId}: ${message}`);
  };
  node.on("message", ({ userId }, text) => say({ from: userId, text }));
  node.on("close", ({ userId }) => say({ from: userId, left: true }));
  node.on("error", (error) => console.error(error.message));
  return node;
}

function authorize(request) {
  const name = new URL(request.url, "http://localhost").searchParams.get("name");
  return name ? { admit: true, userId: name, groups: [groupId] } : { admit: false, status: 401 };
}

const nodes = PORTS.split(",").map(createRoom);
for (const part of [center, ...nodes]) await part.start();
console.log(
  `the room is open at ${nodes.map(({ publicUrl }) => publicUrl).join(" and ")}, with ?name=YOUR_NAME`,
);

process.once("SIGINT", () => {
  void Promise.all([...nodes, center].map((part) => part.drain().then(() => part.stop())));
});
