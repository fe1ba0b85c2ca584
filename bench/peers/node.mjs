// This project: a node that registers with a center. Its n-th connection gets the user and the group that the
// arguments say, by numbers of nine digits.
import { createNode, createSilentLogger } from "websocket-center";
import { watchCollections } from "./collections.mjs";
import { answerCommands } from "./commands.mjs";
import { groupName } from "./groups.mjs";
import { startProfile } from "./profile.mjs";

const { link, firstUser = 0, userStep = 1, groups = 0 } = JSON.parse(process.argv[2]);
const node = createNode({ port: 0, centers: [String(link)] }, { log: createSilentLogger() });
let count = 0;
node.on("open", ({ id }) => {
  const number = count++;
  node.hub.bindUser({ userId: groupName(firstUser + number * userStep), connectionId: id });
  if (groups > 0) node.hub.joinConnectionToGroup({ groupId: groupName(number % groups), connectionId: id });
});
await node.start();
let endProfile;
const collected = watchCollections();
answerCommands(
  { port: Number(node.addresses.client.split(":").at(-1)) },
  async ({ profile, collections }) => {
    if (collections) return collected();
    if (profile === "start") endProfile = await startProfile();
    else if (profile === "end") return { shares: await endProfile() };
    return {};
  },
);
