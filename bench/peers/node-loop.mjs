// The limit in Node.js: one shared buffer, which holds what a tick sends, written to every socket in a loop. With the
// argument `heartbeats`, each socket is also sent a ping as often as a node sends one, a share of them each second.
import { acceptAll, ping, writeToAll } from "./raw-sockets.mjs";
import { serve } from "./serve.mjs";

/** The default of a node, `heartbeatIntervalMs`. */
const HEARTBEAT_INTERVAL_S = 25;

const { sockets, listen } = acceptAll();

if (process.argv[2] === "heartbeats") {
  let second = 0;
  setInterval(() => {
    second += 1;
    for (let at = second % HEARTBEAT_INTERVAL_S; at < sockets.length; at += HEARTBEAT_INTERVAL_S)
      sockets[at].write(ping);
  }, 1000);
}
serve(await listen(), writeToAll(sockets));
