// Many nodes for the bare center (bare-center.mjs) in one process: a link each, which says that every message arrived.
import { connect } from "node:net";
import { answerCommands } from "./commands.mjs";
import { eachLine, joinedWriter } from "./lines.mjs";

const { link, nodes } = JSON.parse(process.argv[2]);
for (let node = 0; node < nodes; node += 1) {
  const socket = connect({ port: link, host: "127.0.0.1", noDelay: true });
  const send = joinedWriter(socket);
  send(`node ${node}\n`);
  eachLine(socket, (line) => send(`${line.slice(0, line.indexOf(" "))} 1\n`));
}
answerCommands({}, () => ({}));
