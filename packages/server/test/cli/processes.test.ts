import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { endAll, occupy, run, start, type Command } from "./command.js";

afterEach(endAll);

/** What the process logged when it began to listen: one JSON object. */
async function listening(command: Command): Promise<Record<string, unknown>> {
  const [line] = await command.prints(/^.*"msg":"listening".*$/m);
  return JSON.parse(line) as Record<string, unknown>;
}

const anyPorts = ["--link-port", "0", "--http-port", "0"];

/** A node on any free port that knows no center, with a client that never answers a close. */
async function nodeWithStubbornClient(...flags: string[]): Promise<Command> {
  const node = start(["node", "--port", "0", "--centers", "1", ...flags]);
  const { client } = await listening(node);
  const socket = connect(Number(String(client).split(":")[1]), "127.0.0.1");
  socket.write(
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
  );
  socket.on("error", () => socket.destroy());
  await once(socket, "data");
  return node;
}

describe("a process that is told to stop", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("a center ends with 0 on %s", async (signal) => {
    const center = start(["center", ...anyPorts]);
    const { link, http } = await listening(center);
    expect(`${String(link)} ${String(http)}`).toMatch(/^127\.0\.0\.1:\d+ 127\.0\.0\.1:\d+$/);
    center.signal(signal);
    expect(await center.exited).toBe(0);
    expect(center.stdout()).toContain(`${signal}: stopping`);
    expect(center.stderr()).toBe("");
  });

  test("a node closes its clients with 1012 and ends with 0", async () => {
    const node = start(["node", "--port", "0", "--centers", "1", "--close-spread-ms", "0"]);
    const { client } = await listening(node);
    const socket = new WebSocket(`ws://${String(client)}/`);
    await once(socket, "message");
    node.signal("SIGTERM");
    const [code] = (await once(socket, "close")) as [number];
    expect(code).toBe(1012);
    expect(await node.exited).toBe(0);
  });

  test("the same signal twice at once, as npm sends it on Ctrl-C, still stops it in order", async () => {
    const center = start(["center", ...anyPorts]);
    await listening(center);
    center.signal("SIGINT");
    center.signal("SIGINT");
    expect(await center.exited).toBe(0);
  });

  test("it ends with 1 where stopping takes longer than the grace time", async () => {
    const node = await nodeWithStubbornClient("--close-spread-ms", "60000", "--shutdown-grace-ms", "50");
    node.signal("SIGTERM");
    expect(await node.exited).toBe(1);
    expect(node.stdout()).toContain("still not stopped after 50 ms");
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("a second signal, %s, ends it at once with %i", async (signal, code) => {
    const node = await nodeWithStubbornClient("--close-spread-ms", "60000", "--shutdown-grace-ms", "60000");
    node.signal("SIGTERM");
    await node.prints(/SIGTERM: stopping/);
    // What comes within 200 ms counts as the first signal again, so it is sent until it counts.
    const sending = setInterval(() => node.signal(signal), 20);
    const exitCode = await node.exited;
    clearInterval(sending);
    expect(exitCode).toBe(code);
  });
});

describe("a process that cannot start", () => {
  test("because of its configuration ends with 2", async () => {
    const { code, stderr } = await run(["node"], { WSC_LINK_SECRET: "short" });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^The configuration is wrong:\n {2}linkSecret \(environment WSC_LINK_SECRET\)/);
    expect(stderr).not.toContain("short");
  });

  test("because of who may listen where ends with 1 and is told what to set", async () => {
    const { code, stdout, stderr } = await run(["center", ...anyPorts, "--host", "0.0.0.0"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    for (const name of ["WSC_LINK_SECRET", "WSC_LINK_TLS_CERT", "WSC_INSECURE_LINK=1", "TOKEN"]) {
      expect(stderr).toContain(name);
    }
    expect(stderr).not.toContain("    at ");
  });

  test("because a port is taken ends with 1 and names it", async () => {
    const { port, free } = await occupy(0);
    const { code, stderr } = await run(["center", "--link-port", "0", "--http-port", String(port)]);
    await free();
    expect(code).toBe(1);
    expect(stderr).toContain(String(port));
    expect(stderr).not.toContain("    at ");
  });
});

test("warnings of the configuration are logged", async () => {
  const center = start(["center", ...anyPorts], { WSC_LINK_SECRT: "x" });
  await center.prints(/WSC_LINK_SECRT is unknown: did you mean WSC_LINK_SECRET/);
});

test("a fault that nothing catches is logged and ends the process with 1", async () => {
  const fault = "process.on(%22SIGUSR2%22,()=>{throw(Error(%22boom%22))})";
  const center = start(["center", ...anyPorts], { NODE_OPTIONS: `--import=data:text/javascript,${fault}` });
  await listening(center);
  center.signal("SIGUSR2");
  expect(await center.exited).toBe(1);
  expect(center.stdout()).toMatch(/"level":"fatal".*boom/);
});
