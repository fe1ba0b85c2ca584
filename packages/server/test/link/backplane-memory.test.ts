import { MemoryBackplane } from "../../src/backplane/memory.js";
import { testBackplane } from "./backplane-suite.js";
import { hexId, info, status } from "./link-port.js";
import { Recorder } from "./recorder.js";

testBackplane("memory", async () => {
  const center = new MemoryBackplane(hexId());
  const centerRecorder = new Recorder(center);
  return {
    center,
    centerRecorder,
    link: async (nodeId) => {
      const backplane = new MemoryBackplane(nodeId, { info, status: () => status });
      const recorder = new Recorder(backplane);
      MemoryBackplane.link(backplane, center);
      const atCenter = [...center.members()].find(({ id }) => id === nodeId);
      const [known] = backplane.members();
      if (atCenter === undefined || known === undefined) throw new Error("the ends do not know each other");
      return { backplane, recorder, atCenter, center: known };
    },
    close: () => center.close(),
  };
});
