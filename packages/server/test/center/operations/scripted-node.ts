import { randomBytes } from "node:crypto";
import {
  type NodeOperation,
  type NodeOperationParams,
  type NodeOperationResult,
  type NodeVitals,
  OPERATIONS_SERVICE,
} from "@websocket-center/protocol";
import { onTestFinished, vi } from "vitest";
import { WebSocketDialer } from "../../../src/backplane/websocket-dialer.js";
import { parseAddress } from "../../../src/config/addresses.js";
import type { Center } from "../../../src/index.js";
import { Channels } from "../../../src/rpc/channel.js";

/** What a scripted node answers; without a script for it, an operation is never answered. */
export type Script = {
  [O in NodeOperation]?: (params: NodeOperationParams<O>) => NodeOperationResult<O>;
};

export interface ScriptedNode {
  id: string;
  /** What centers asked of it, by operation. */
  asked: Record<string, unknown[]>;
  close(): Promise<void>;
}

/**
 * A node that speaks over real links and answers as its script says; `old`: of a release without operations.
 * @param onHubCall - is to answer a call on the hub, now or later.
 */
export async function startScriptedNode(
  centers: readonly Center[],
  script: Script | "old",
  id: string = randomBytes(16).toString("hex"),
  onHubCall: (answer: () => void) => void = (answer) => answer(),
): Promise<ScriptedNode> {
  const status = { connections: 0, users: 0, groups: 0, draining: false };
  const asked: Record<string, unknown[]> = {};
  const dialer = new WebSocketDialer({
    identity: { id, settle: () => {}, renew: () => false },
    secrets: [],
    info: () => ({ version: "9.9.9", publicUrl: "ws://127.0.0.1:1", startedAt: Date.now() }),
    status: () => status,
    tls: undefined,
    checkHost: () => {},
    onLost: () => {},
  });
  new Channels(dialer, {
    maxFrameBytes: 1024 * 1024,
    onJoined: () => {},
    onLeft: () => {},
    onFault: (_channel, error) => {
      throw error;
    },
    onFrame: (channel, frame) => {
      if (frame[0] === "ping") channel.send(["pong", frame[1], status, 0]);
      if (frame[0] !== "call") return;
      const [, call, service, , methods] = frame;
      const [[name, params] = ["", {}]] = methods;
      if (service !== OPERATIONS_SERVICE) {
        onHubCall(() => channel.send(["reply", call, methods.map(() => [true, 1] as [true, unknown])]));
        return;
      }
      (asked[name] ??= []).push(params);
      if (script === "old") {
        channel.send(["reply", call, [[false, "UNKNOWN_SERVICE", `this node has no service ${service}`]]]);
        return;
      }
      const run = script[name as NodeOperation] as ((params: unknown) => unknown) | undefined;
      if (run !== undefined) channel.send(["reply", call, [[true, run(params)]]]);
    },
  });
  const close = (): Promise<void> => dialer.close();
  onTestFinished(close);
  for (const center of centers) {
    const { host = "", port } = parseAddress(center.addresses.link);
    dialer.add(host, port);
  }
  dialer.start();
  await vi.waitFor(
    () => {
      for (const center of centers) {
        if (!center.nodes.some((node) => node.id === id)) throw new Error("not linked yet");
      }
    },
    { timeout: 10_000 },
  );
  return { id, asked, close };
}

/** What a node tells of itself that has done so much. */
export function vitalsOf(at: number, done: number, centers: NodeVitals["centers"] = []): NodeVitals {
  return {
    at,
    connections: 3,
    users: 2,
    groups: 1,
    waitingBytes: 10,
    counters: {
      messagesIn: done,
      bytesIn: done * 10,
      messagesOut: done * 2,
      bytesOut: done * 20,
      opened: done,
      closed: 0,
      refused: 0,
      slowConsumers: 0,
      handlerErrors: 0,
      commands: 0,
    },
    runtime: { cpuMs: done, rssBytes: 1000, loopDelayMs: 1.5 },
    centers,
  };
}
