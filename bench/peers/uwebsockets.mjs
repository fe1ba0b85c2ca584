// uWebSockets.js: everybody subscribes to a topic, and the app publishes to it.
import { createRequire } from "node:module";
import { payload, serve } from "./serve.mjs";

const uws = createRequire(import.meta.url)("@trufflesuite/uws-js-unofficial");
const app = uws.App();

app.ws("/*", {
  compression: uws.DISABLED,
  idleTimeout: 0,
  sendPingsAutomatically: false,
  open: (socket) => socket.subscribe("everybody"),
});
app.listen("127.0.0.1", 0, (listening) => {
  serve(uws.us_socket_local_port(listening), (messages) => {
    for (let sent = 0; sent < messages; sent += 1) app.publish("everybody", payload);
  });
});
