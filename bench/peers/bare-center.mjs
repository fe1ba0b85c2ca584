// The best known way, bare: what a center must at least do to have a call answered by the node that it concerns, and
// nothing else. It checks nothing, keeps no time, knows who is where by arithmetic, and is told of no failure.
// Frames are lines, and those of a tick are joined, on links and in the stream.
import { createServer } from "node:http";
import { createServer as createLinkServer } from "node:net";
import { watchCollections } from "./collections.mjs";
import { answerCommands } from "./commands.mjs";
import { callInLanes } from "./lanes.mjs";
import { eachLine, joinedWriter } from "./lines.mjs";
import { payload } from "./serve.mjs";

const nodes = [];
const waiting = new Map();
let lastCall = 0;

function call(userId, message, answer) {
  const { id, send } = nodes[Number(userId) % nodes.length];
  waiting.set(++lastCall, (value) => answer(id, value));
  send(`${lastCall} ${userId} ${message}\n`);
}

const links = createLinkServer({ noDelay: true }, (socket) => {
  const send = joinedWriter(socket);
  eachLine(socket, (line) => {
    const [callId, value] = line.split(" ");
    if (callId === "node") {
      nodes[Number(value)] = { id: value.padStart(32, "0"), send };
      return;
    }
    const answer = waiting.get(Number(callId));
    waiting.delete(Number(callId));
    answer(Number(value));
  });
});

const parameter = (query, name) => {
  const from = query.indexOf(name) + name.length;
  const to = query.indexOf("&", from);
  return decodeURIComponent(to < 0 ? query.slice(from) : query.slice(from, to));
};

function answerRequest(request, response) {
  call(parameter(request.url, "[id]="), parameter(request.url, "[msg]="), (id, value) => {
    const data = { sendMessageToId: { [id]: value } };
    const body = JSON.stringify({ code: 0, msg: "ok", extra: [], master_ids: [id], data });
    response.setHeader("Content-Type", "application/json");
    response.setHeader("Content-Length", Buffer.byteLength(body));
    response.end(body);
  });
}

function answerStream(request, response) {
  const send = joinedWriter(response);
  response.setHeader("Content-Type", "application/x-ndjson");
  eachLine(request, (line) => {
    const { id, params } = JSON.parse(line);
    call(params.userId, params.message, (node, value) => {
      send(`${JSON.stringify({ id, value, nodes: { [node]: value } })}\n`);
    });
  });
}

const http = createServer((request, response) =>
  request.method === "POST" ? answerStream(request, response) : answerRequest(request, response),
);
const listening = (server) =>
  new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(server.address().port));
  });
const collected = watchCollections();
const send = (user) =>
  new Promise((resolve) => call(String(user), payload, (_, value) => resolve(value === 1)));
answerCommands({ link: await listening(links), http: await listening(http) }, ({ collections, route }) => {
  if (collections) return collected();
  if (route !== undefined) return callInLanes(send, route);
  return { linked: nodes.filter(Boolean).length };
});
