// The limit in Node.js: one shared buffer, which holds what a tick sends, written to every socket in a loop.
import { acceptAll, encodeText } from "./raw-sockets.mjs";
import { payload, serve } from "./serve.mjs";

const frame = encodeText(payload);
const joined = Buffer.concat(Array.from({ length: 16 }, () => frame));
const { sockets, listen } = acceptAll();

serve(await listen(), (messages) => {
  const bytes = messages === 16 ? joined : frame;
  for (const socket of sockets) socket.write(bytes);
});
