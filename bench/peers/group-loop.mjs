// The limit of the groups row: on command, batches of messages to random groups, each a buffer written to the sockets
// of its group in a loop.
import { once } from "node:events";
import { setImmediate } from "node:timers/promises";
import { answerCommands } from "./commands.mjs";
import { GROUPS, randomGroups } from "./groups.mjs";
import { acceptAll, encodeText } from "./raw-sockets.mjs";
import { payload } from "./serve.mjs";

const groups = Array.from({ length: GROUPS }, () => []);
let count = 0;
const { listen } = acceptAll((socket) => groups[count++ % GROUPS].push(socket));

answerCommands({ port: await listen() }, async ({ messages, batch }) => {
  const numbers = randomGroups();
  let delivered = 0;
  let last;
  for (let sent = 0; sent < messages; sent += 1) {
    const frame = encodeText(payload);
    for (const socket of groups[numbers.next().value]) {
      socket.write(frame);
      delivered += 1;
      last = socket;
    }
    if (sent % batch === batch - 1) await setImmediate();
  }
  if (last?.writableNeedDrain) await once(last, "drain");
  return { delivered };
});
