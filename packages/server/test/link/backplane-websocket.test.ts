import { NodeIdentity } from "../../src/node/identity.js";
import { testBackplane } from "./backplane-suite.js";
import { Cleanup, Dialing, LinkPort } from "./link-port.js";

testBackplane("websocket", async () => {
  const cleanup = new Cleanup();
  const port = cleanup.add(await new LinkPort({ secrets: ["a".repeat(32)] }).open());
  return {
    center: port.listener,
    centerRecorder: port.recorder,
    link: async (nodeId) => {
      const identity = new NodeIdentity(nodeId);
      // Else a node whose key is taken would come back under another id.
      identity.settle();
      const count = port.recorder.joined(nodeId).length + 1;
      const node = cleanup.add(new Dialing({ identity, secrets: ["a".repeat(32)] }));
      const { dialer, recorder } = node;
      dialer.onMember(({ type }) => {
        if (type === "left") dialer.remove("127.0.0.1", port.port);
      });
      const refused = node.lost.next().then(({ error }) => Promise.reject(error));
      node.start(port.port);
      const atCenter = await Promise.race([port.recorder.untilJoined(nodeId, count), refused]);
      const center = await Promise.race([recorder.untilJoined(port.centerId), refused]);
      return { backplane: dialer, recorder, atCenter, center };
    },
    close: cleanup.run,
  };
});
