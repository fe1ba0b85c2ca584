// The part of a center that nodes link to, and its router, without an HTTP API: what a routed call costs by itself.
import { randomBytes } from "node:crypto";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { answerCommands } from "./commands.mjs";
import { dist } from "./dist.mjs";
import { callInLanes, randomUser } from "./lanes.mjs";
import { startProfile } from "./profile.mjs";
import { payload } from "./serve.mjs";
import { userName } from "./users.mjs";

const { resolveCenterOptions } = await dist("config/resolve.js");
const { createLinkServer } = await dist("center/http/ports.js");
const { NodeLinks } = await dist("center/node-links.js");
const { Running } = await dist("center/running.js");

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc");

const config = resolveCenterOptions({ linkPort: 0, httpPort: 0 });
/** Nothing is counted, logged or told. */
const reports = new Proxy({}, { get: () => () => {} });
const links = new NodeLinks({
  centerId: randomBytes(16).toString("hex"),
  config,
  reports,
  isStopping: () => false,
  running: new Running(),
  otherCenters: () => [],
  onSettled: () => {},
});
const server = createLinkServer(config, { links, reports });
const port = await server.listen(0, "127.0.0.1");

const TIMEOUT_MS = 5000;
/** A call to nobody asks those that are not trusted, and only them. */
const nobody = { name: "isUserOnline", params: { userId: "nobody" } };
const now = () => Number(process.hrtime.bigint()) / 1e6;

/** @returns whether the node has it that holds the user. */
async function send(user) {
  const command = { name: "sendToUser", params: { userId: userName(user), message: payload } };
  const { places } = await links.router.ask([command], { timeoutMs: TIMEOUT_MS });
  return [...places[0].values()].some(({ ok, value }) => ok && value === 1);
}

/** A call each millisecond to some user, for so long; and who is asked although he holds nothing, at which moments. */
async function probe({ seconds, users, first }) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const latencies = [];
  const asked = [];
  const running = new Set();
  let failed = 0;
  const during = (promise) => {
    running.add(promise);
    void promise.then(() => running.delete(promise));
  };
  delay.enable();
  const startedAt = performance.now();
  while (performance.now() < startedAt + seconds * 1000) {
    const sentAt = performance.now();
    during(
      send(first + randomUser(users)).then((isThere) => {
        latencies.push(performance.now() - sentAt);
        if (!isThere) failed += 1;
      }),
    );
    const at = now();
    during(
      links.router
        .ask([nobody], { timeoutMs: TIMEOUT_MS })
        .then(({ places }) => asked.push([at, places[0].size])),
    );
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  delay.disable();
  await Promise.all(running);
  const sorted = latencies.toSorted((a, b) => a - b);
  const share = (part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
  return {
    ...{ calls: sorted.length, failed },
    p50: share(0.5),
    p99: share(0.99),
    max: sorted.at(-1),
    heldMs: delay.max / 1e6,
    asked: changesOf(asked.toSorted(([a], [b]) => a - b)),
  };
}

const changesOf = (moments) => moments.filter(([, count], at) => count !== moments[at - 1]?.[1]);

const commands = {
  heap: () => {
    collectGarbage();
    return { heapBytes: process.memoryUsage().heapUsed };
  },
  state: () => ({ linked: links.size, ...links.routing }),
  route: (options) => callInLanes(send, options),
  profile: async (options) => {
    const end = await startProfile();
    await callInLanes(send, options);
    return { shares: await end() };
  },
  probe,
};
answerCommands({ link: port }, async (command) => {
  const [[name, options]] = Object.entries(command);
  return commands[name](options);
});
