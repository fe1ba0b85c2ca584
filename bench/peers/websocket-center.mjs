// This project: a node with its defaults, and `hub.broadcast`. With the argument `bound`, each connection has a user
// and a group; with `no-heartbeats`, it is pinged once an hour.
import { createNode, createSilentLogger } from "websocket-center";
import { startProfile } from "./profile.mjs";
import { payload, serve } from "./serve.mjs";

const options = process.argv[2] === "no-heartbeats" ? { heartbeatIntervalMs: 3_600_000 } : {};
const node = createNode({ port: 0, centers: [], ...options }, { log: createSilentLogger() });
if (process.argv[2] === "bound") {
  let count = 0;
  node.on("open", ({ id }) => {
    const number = count++;
    node.hub.bindUser({ userId: `user ${number}`, connectionId: id });
    node.hub.joinConnectionToGroup({ groupId: `group ${number % 1000}`, connectionId: id });
  });
}
await node.start();
const tick = (messages) => {
  for (let sent = 0; sent < messages; sent += 1) node.hub.broadcast({ message: payload });
};
let endProfile;
serve(Number(node.addresses.client.split(":").at(-1)), tick, {
  p: async () => {
    endProfile = await startProfile();
    console.log("{}");
  },
  q: async () => console.log(JSON.stringify({ shares: await endProfile() })),
});
