// A node for the bare center (bare-center.mjs): writes what a line says to the socket that it says.
import { connect } from "node:net";
import { watchCollections } from "./collections.mjs";
import { answerCommands } from "./commands.mjs";
import { eachLine, joinedWriter } from "./lines.mjs";
import { acceptAll, encodeText } from "./raw-sockets.mjs";

const { link, firstUser, userStep } = JSON.parse(process.argv[2]);
const { sockets, listen } = acceptAll();
const port = await listen();

const socket = connect({ port: link, host: "127.0.0.1", noDelay: true });
const send = joinedWriter(socket);
send(`node ${firstUser}\n`);
eachLine(socket, (line) => {
  const [callId, userId, message] = line.split(" ");
  sockets[(Number(userId) - firstUser) / userStep].write(encodeText(message));
  send(`${callId} 1\n`);
});
const collected = watchCollections();
answerCommands({ port }, ({ collections }) => (collections ? collected() : {}));
