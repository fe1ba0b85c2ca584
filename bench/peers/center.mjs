// This project: a center with its defaults. On command it sends messages to random groups itself, in batches of
// which all calls are in flight at once.
import { createCenter, createSilentLogger } from "websocket-center";
import { watchCollections } from "./collections.mjs";
import { answerCommands } from "./commands.mjs";
import { groupName, randomGroups } from "./groups.mjs";
import { startProfile } from "./profile.mjs";
import { payload } from "./serve.mjs";

const center = createCenter({ linkPort: 0, httpPort: 0 }, { log: createSilentLogger() });
await center.start();
const { link, http } = center.addresses;
const port = (address) => Number(address.split(":").at(-1));

let endProfile = async () => ({});
const collected = watchCollections();
answerCommands(
  { link: port(link), http: port(http) },
  async ({ nodes, messages, batch, profile, collections }) => {
    if (profile === "start") {
      endProfile = await startProfile();
      return {};
    }
    if (profile === "end") return { shares: await endProfile() };
    if (collections) return collected();
    if (nodes !== undefined) return { linked: center.nodes.length };
    const groups = randomGroups();
    let delivered = 0;
    for (let sent = 0; sent < messages; sent += batch) {
      const calls = Array.from({ length: batch }, () =>
        center.cluster.sendToGroup({ groupId: groupName(groups.next().value), message: payload }),
      );
      for (const { value, failures } of await Promise.all(calls)) {
        if (failures.length > 0) throw new Error(`a call failed: ${JSON.stringify(failures)}`);
        delivered += value;
      }
    }
    return { delivered };
  },
);
