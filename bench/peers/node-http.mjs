// Bare node:http: no route, no query parser.
import { createServer } from "node:http";
import { answer } from "./answer.mjs";
import { answerCommands } from "./commands.mjs";

const server = createServer((_, response) => {
  const body = JSON.stringify(answer);
  response.setHeader("Content-Type", "application/json");
  response.setHeader("Content-Length", Buffer.byteLength(body));
  response.end(body);
});
server.listen(0, "127.0.0.1", () => answerCommands({ http: server.address().port }, () => ({})));
