import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { createCenter } from "../center/center.js";
import { CenterError } from "../errors.js";
import type { Logger } from "../log.js";
import { createNode } from "../node/node.js";
import type { Runnable } from "./run-process.js";

/** The ports of `dev`, all moved by the same offset. */
export interface DevPorts {
  centers: readonly { link: number; http: number }[];
  nodes: readonly number[];
}

const HIGHEST_PORT = 65_535;
const basePorts: DevPorts = {
  centers: [
    { link: 8010, http: 8011 },
    { link: 8012, http: 8013 },
  ],
  nodes: [8090, 8091],
};
export const MAX_PORT_OFFSET = HIGHEST_PORT - Math.max(...basePorts.nodes);

export function devPorts(offset: number): DevPorts {
  return {
    centers: basePorts.centers.map(({ link, http }) => ({ link: link + offset, http: http + offset })),
    nodes: basePorts.nodes.map((port) => port + offset),
  };
}

/**
 * Two centers and two nodes in this process, on loopback, with a link secret of their own.
 *
 * `start` ends once every node is registered with every center. It fails with PORT_TAKEN where a
 * port is taken; then `stop` ends those that had started.
 */
export function createDevCluster(portOffset: number, createLog: (name: string) => Logger): Runnable {
  const { centers, nodes } = devPorts(portOffset);
  const shared = {
    host: "127.0.0.1",
    linkSecret: [randomBytes(32).toString("hex")],
    // Those who try things out need no record of what they did.
    auditLog: "off",
  };
  const linkPorts = centers.map(({ link }) => String(link));
  const centerParts = centers.map(({ link, http }) =>
    createCenter(
      {
        ...shared,
        linkPort: link,
        httpPort: http,
        otherCenters: linkPorts.filter((port) => port !== String(link)),
      },
      { log: createLog(`center ${link}`) },
    ),
  );
  const nodeParts = nodes.map((port) =>
    createNode({ ...shared, port, centers: linkPorts }, { log: createLog(`node ${port}`) }),
  );
  const inStartOrder: Runnable[] = [...centerParts, ...nodeParts];
  return {
    async start() {
      for (const part of inStartOrder) await startPart(part, portOffset);
      await until(() => centerParts.every((center) => center.nodes.length === nodeParts.length));
    },
    async drain() {
      await Promise.all(inStartOrder.map((part) => part.drain()));
    },
    async stop() {
      await Promise.all(nodeParts.map((part) => part.stop()));
      await Promise.all(centerParts.map((part) => part.stop()));
    },
  };
}

/** Waits for what nobody tells, for at most some seconds: then the log says what is wrong. */
async function until(isTrue: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !isTrue(); tries++) await delay(20);
}

async function startPart(part: Runnable, portOffset: number): Promise<void> {
  try {
    await part.start();
  } catch (error) {
    if (!(error instanceof CenterError) || error.code !== "PORT_TAKEN") throw error;
    const advice = `\`--port-offset ${portOffset + 100}\` moves all ports${portOffset === 0 ? " by 100" : ""}.`;
    throw new CenterError("PORT_TAKEN", `${error.message}\n${advice}`, { cause: error });
  }
}
