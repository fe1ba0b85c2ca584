// Bare Fastify: one route. With the argument `qs`, its query parser is one that knows nested parameters, as the calls
// have them; Fastify's own does not.
import Fastify from "fastify";
import { parse } from "qs";
import { answer } from "./answer.mjs";
import { answerCommands } from "./commands.mjs";

const nested = process.argv[2] === "qs";
const app = Fastify(nested ? { routerOptions: { querystringParser: (query) => parse(query) } } : {});
app.get("/", (request) => {
  if (request.query.event !== "sendMessageToId") throw new Error("no event");
  return answer;
});
await app.listen({ port: 0, host: "127.0.0.1" });
answerCommands({ http: app.server.address().port }, () => ({}));
