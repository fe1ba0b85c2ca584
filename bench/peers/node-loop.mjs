// The limit in Node.js: one shared buffer, which holds what a tick sends, written to every socket in a loop.
import { acceptAll, writeToAll } from "./raw-sockets.mjs";
import { serve } from "./serve.mjs";

const { sockets, listen } = acceptAll();

serve(await listen(), writeToAll(sockets));
