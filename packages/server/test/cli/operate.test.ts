import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { until } from "../contract/child.js";
import { linkRaw, type RawPeer } from "../link/raw-peer.js";
import {
  ask,
  at,
  type CenterProcess,
  connectClient,
  linked,
  type NodeProcess,
  startCenter,
  startCluster,
  startNode,
  unlinked,
} from "./cluster.js";
import { freePort } from "../free-ports.js";
import { endAll } from "./command.js";

afterEach(endAll);

/** What a handshake at the node is answered: 101, or the status of a refusal with its Retry-After. */
async function knock(node: NodeProcess): Promise<{ status: number; retryAfter: string | undefined }> {
  const socket = new WebSocket(node.url);
  const opened = once(socket, "open").then(() => ({ status: 101, retryAfter: undefined }));
  const refused = once(socket, "unexpected-response").then(([, response]) => {
    const { statusCode, headers } = response as { statusCode: number; headers: Record<string, string> };
    return { status: statusCode, retryAfter: headers["retry-after"] };
  });
  socket.on("error", () => undefined);
  const answer = await Promise.race([opened, refused]);
  socket.terminate();
  return answer;
}

async function ready(node: NodeProcess): Promise<{ status: number; reasons: string[] }> {
  const response = await fetch(`http://${node.admin}/readyz`);
  const { reasons } = (await response.json()) as { reasons: string[] };
  return { status: response.status, reasons };
}

interface Listed {
  id: string;
  draining: boolean;
  centerIds: string[];
}

async function listed(center: CenterProcess): Promise<Listed[]> {
  return ((await (await fetch(`${center.url}/nodes`)).json()) as { nodes: Listed[] }).nodes;
}

function post(center: CenterProcess, path: string, body: unknown): Promise<Response> {
  return fetch(`${center.url}${path}`, { method: "POST", body: JSON.stringify(body) });
}

async function problemOf(response: Response): Promise<{ status: number; code: string; detail: string }> {
  const { status, code, detail } = (await response.json()) as {
    status: number;
    code: string;
    detail: string;
  };
  expect(response.status).toBe(status);
  expect(response.headers.get("content-type")).toContain("application/problem+json");
  return { status, code, detail };
}

describe("drain", () => {
  test("closes a node's clients with 1012 and refuses new ones, while it answers calls; undrain ends that, through any center", async () => {
    const { centers, nodes } = await startCluster();
    const [node, other] = nodes;
    const [client, bystander] = await Promise.all([connectClient(node.url), connectClient(other.url)]);

    const drained = await at(centers[0], ["drain", node.id.slice(0, 8)]);
    expect(drained).toMatchObject({ code: 0, stderr: "" });
    expect(drained.stdout).toBe(
      `node ${node.shortId} (${node.url}) takes no new clients, and closes its 1 connection\n`,
    );
    expect(await client.closed).toBe(1012);
    expect(await knock(node)).toEqual({ status: 503, retryAfter: expect.stringMatching(/^\d+$/) });
    expect(await ready(node)).toEqual({
      status: 503,
      reasons: [`the node is drained, as center ${centers[0].id} asked: undrain it to take clients again`],
    });
    expect((await listed(centers[0])).find(({ id }) => id === node.id)?.draining).toBe(true);
    expect((await ask(centers[1], { getConnectionCount: {} }))["getConnectionCount"]).toEqual({
      [node.id]: 0,
      [other.id]: 1,
    });
    expect(bystander.socket.readyState).toBe(WebSocket.OPEN);

    const undrained = await at(centers[1], ["undrain", node.id.toUpperCase()]);
    expect(undrained).toMatchObject({ code: 0, stderr: "" });
    expect(undrained.stdout).toContain("takes clients again");
    expect((await connectClient(node.url)).id).toContain(node.shortId);
    expect(await ready(node)).toEqual({ status: 200, reasons: [] });
    expect((await listed(centers[1])).find(({ id }) => id === node.id)?.draining).toBe(false);
  });

  test("may be asked for twice, and undrain of a node that is not drained changes nothing", async () => {
    const { centers, nodes } = await startCluster();
    for (const args of [
      ["undrain", nodes[0].id],
      ["drain", nodes[0].id],
      ["drain", nodes[0].id],
    ]) {
      expect((await at(centers[0], args)).code).toBe(0);
    }
    expect((await knock(nodes[0])).status).toBe(503);
    const { stdout } = await at(centers[0], ["undrain", nodes[0].id, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ node: { id: nodes[0].id, draining: false } });
    expect((await knock(nodes[0])).status).toBe(101);
  });

  test("lasts when the node's links are made anew", async () => {
    const first = await startCenter();
    const second = await startCenter();
    const node = await startNode([first, second]);
    await at(first, ["drain", node.id]);
    first.command.signal("SIGTERM");
    await first.command.exited;
    const [, port = ""] = first.link.split(":");
    const [, httpPort = ""] = first.url.replace("http://", "").split(":");
    const again = await startCenter(["--link-port", port, "--http-port", httpPort]);
    await linked(node, again);
    expect((await listed(again)).map(({ draining }) => draining)).toEqual([true]);
    expect((await at(again, ["undrain", node.id])).code).toBe(0);
    expect((await knock(node)).status).toBe(101);
  });

  test("undrain leaves alone the clients that were not closed yet", async () => {
    const center = await startCenter();
    const node = await startNode([center], ["--close-spread-ms", "3600000"]);
    const clients = await Promise.all([connectClient(node.url), connectClient(node.url)]);
    await at(center, ["drain", node.id]);
    expect(await Promise.race(clients.map(({ closed }) => closed))).toBe(1012);
    await at(center, ["undrain", node.id]);
    expect(
      Object.values((await ask(center, { broadcast: { msg: "still here" } }))["broadcast"] ?? {}),
    ).toEqual([1]);
  });

  test("does not keep a node from stopping in its grace time, however long it spreads the closing", async () => {
    const center = await startCenter();
    const node = await startNode([center], ["--close-spread-ms", "3600000", "--shutdown-grace-ms", "2000"]);
    const clients = await Promise.all([connectClient(node.url), connectClient(node.url)]);
    await at(center, ["drain", node.id]);
    node.command.signal("SIGTERM");
    expect(await node.command.exited).toBe(0);
    expect(await Promise.all(clients.map(({ closed }) => closed))).toEqual([1012, 1012]);
  });

  test("undrain does not call off the end of a node that is stopping, and says so", async () => {
    const center = await startCenter();
    const node = await startNode(
      [center],
      ["--close-spread-ms", "3600000", "--shutdown-grace-ms", "3600000"],
    );
    await Promise.all([connectClient(node.url), connectClient(node.url)]);
    node.command.signal("SIGTERM");
    await node.command.prints(/SIGTERM: stopping/);
    const { code, stderr } = await at(center, ["undrain", node.id]);
    expect(code).toBe(1);
    expect(stderr).toContain("goes on draining");
    expect((await knock(node)).status).toBe(503);
  });

  test.each([
    ["an id that no node has", "00000000", 1, "is linked to this center"],
    ["too few characters", "abc", 2, "at least its first 4 characters"],
    ["what can be no id", "node-1", 2, "0-9, a-f"],
  ])("%s is refused, and what to do is said", async (_what, id, code, advice) => {
    const center = await startCenter();
    for (const command of ["drain", "undrain"]) {
      const result = await at(center, [command, id]);
      expect(result).toMatchObject({ code, stdout: "" });
      expect(result.stderr).toContain(advice);
    }
  });

  test("a node that hangs, or that no center can be asked about, is a failure", async () => {
    const center = await startCenter(["--call-timeout-ms", "200"]);
    const node = await startNode([center]);
    node.command.signal("SIGSTOP");
    const hanging = await at(center, ["drain", node.id]);
    node.command.signal("SIGCONT");
    expect(hanging.code).toBe(1);
    expect(hanging.stderr).toContain("gave no answer in 200 ms");
    center.command.signal("SIGTERM");
    await center.command.exited;
    expect((await at(center, ["drain", node.id])).code).toBe(3);
  });
});

describe("drain, as a node sees it,", () => {
  test("takes more characters where two nodes have an id that begins so, and asks the node behind the frame", async () => {
    const center = await startCenter();
    const port = Number(center.link.split(":")[1]);
    const ids = ["a", "b"].map((letter) => `feed${letter}`.padEnd(32, "0"));
    const peers = await Promise.all(ids.map((id) => linkRaw(port, { id })));
    const ambiguous = await at(center, ["drain", "feed"]);
    expect(ambiguous.code).toBe(1);
    for (const id of ids) expect(ambiguous.stderr).toContain(id);
    expect((await problemOf(await post(center, "/nodes/feed/undrain", {}))).code).toBe("AMBIGUOUS_NODE");

    const asking = at(center, ["drain", "feedb"]);
    const node = peers[1] as RawPeer;
    let frame = await node.frames.next();
    while (frame[0] === "ping") frame = await node.frames.next();
    expect(frame).toEqual(["drain"]);
    const [type, number] = await node.frames.next();
    expect(type).toBe("ping");
    node.send(["pong", number, { connections: 7, users: 0, groups: 0, draining: true }, 0]);
    expect((await asking).stdout).toContain("closes its 7 connections");
  });

  test("fails where the node leaves before it has answered", async () => {
    const center = await startCenter();
    const id = "feed".padEnd(32, "0");
    const node = await linkRaw(Number(center.link.split(":")[1]), { id });
    const asking = post(center, `/nodes/${id}/drain`, {});
    let frame = await node.frames.next();
    while (frame[0] !== "drain") frame = await node.frames.next();
    node.close();
    expect(await problemOf(await asking)).toMatchObject({ status: 503, code: "NODE_LEFT" });
  });
});

describe("register and remove", () => {
  test("let the nodes, those that come later too, link to a third center and leave it", async () => {
    const { centers, nodes } = await startCluster();
    const third = await startCenter();
    const registered = await at(centers, ["register", third.link]);
    expect(registered).toMatchObject({ code: 0, stderr: "" });
    expect(registered.stdout).toBe(
      `${centers[0].url}: told 2 nodes to register with ${third.link}\n` +
        `  other centers that nodes are told of when they come: ${third.link}\n`,
    );
    for (const node of nodes) await linked(node, third);
    const late = await startNode([centers[0]]);
    await linked(late, third);
    expect(Object.keys((await ask(third, { getIds: {} }))["getIds"] ?? {})).toHaveLength(3);

    const removed = await at(centers[0], ["remove", third.link]);
    expect(removed.stdout).toContain(`told 3 nodes to leave ${third.link}`);
    expect(removed.stdout).toContain("when they come: none");
    for (const node of [...nodes, late]) await unlinked(node, third);
    expect(await listed(third)).toEqual([]);
    expect(await listed(centers[0])).toHaveLength(3);
  });

  test("--all lets each center know, and says which does not", async () => {
    const { centers, nodes } = await startCluster();
    const third = await startCenter();
    const both = await at(centers, ["register", third.link, "--all", "--json"]);
    expect(both.code).toBe(0);
    const answers = both.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    expect(answers).toMatchObject(
      centers.map(({ url, id }) => ({ center: url, centerId: id, otherCenters: [third.link] })),
    );
    for (const node of nodes) await linked(node, third);

    centers[1].command.signal("SIGTERM");
    await centers[1].command.exited;
    const one = await at(centers, ["remove", third.link, "--all"]);
    expect(one.code).toBe(1);
    expect(one.stdout).toContain(`${centers[0].url}: told 2 nodes`);
    expect(one.stderr).toContain(`${centers[1].url} could not be reached`);
    for (const node of nodes) await unlinked(node, third);
  });

  test("a name that is left for a center that was removed is pointed out", async () => {
    const center = await startCenter();
    await at(center, ["register", "8099"]);
    const { code, stdout, stderr } = await at(center, ["remove", "127.0.0.1:8099"]);
    expect(code).toBe(0);
    expect(stdout).toContain("no node is linked that could be told");
    expect(stderr).toContain("8099 may be one that you meant");
  });

  test.each([["http://center:8010"], ["center"], ["127.0.0.1:0"], ["127.0.0.1:99999"]])(
    "%s is no address, and wrong usage",
    async (address) => {
      const center = await startCenter();
      for (const command of ["register", "remove"]) {
        const { code, stderr } = await at(center, [command, "127.0.0.1:8099", address]);
        expect(code).toBe(2);
        expect(stderr).toContain("host:port");
      }
    },
  );

  test("without a center that can be reached end with 3", async () => {
    const port = await freePort();
    const dead: CenterProcess = {
      command: undefined as never,
      id: "",
      link: "",
      url: `http://127.0.0.1:${port}`,
    };
    for (const args of [
      ["register", "8099"],
      ["remove", "8099", "--all"],
    ]) {
      const { code, stderr } = await at(dead, args);
      expect(code).toBe(3);
      expect(stderr).toContain("nothing listens there");
    }
  });
});

describe("the endpoints of a center", () => {
  test("GET /nodes tells of the center, and to which centers each node is linked", async () => {
    const { centers, nodes } = await startCluster();
    const [center] = centers;
    const body = await until("both nodes tell of both centers", async () => {
      const answer = (await (await fetch(`${center.url}/nodes`)).json()) as { nodes: Listed[] };
      return answer.nodes.every(({ centerIds }) => centerIds.length === 2) ? answer : undefined;
    });
    expect(body).toMatchObject({
      centerId: center.id,
      center: {
        id: center.id,
        version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
        startedAt: expect.stringMatching(/^\d{4}-.*Z$/) as string,
        addresses: { link: center.link, http: center.url.replace("http://", "") },
        otherCenters: [],
      },
    });
    expect(body.nodes.map(({ id }) => id).sort()).toEqual(nodes.map(({ id }) => id).sort());
    for (const { centerIds } of body.nodes) {
      expect([...centerIds].sort()).toEqual(centers.map(({ id }) => id).sort());
    }
  });

  test("refuse bodies that are not what they take, with a problem document", async () => {
    const center = await startCenter();
    for (const [path, body] of [
      ["/centers/register", {}],
      ["/centers/register", { addresses: [] }],
      ["/centers/register", { addresses: "8010" }],
      ["/centers/remove", { addresses: ["8010", "x:y"] }],
      ["/centers/remove", { addresses: ["8010"], force: true }],
      ["/nodes/0000/drain", { now: true }],
      ["/nodes/000/drain", {}],
      ["/nodes/zzzz/undrain", {}],
    ] as const) {
      expect(await problemOf(await post(center, path, body))).toMatchObject({
        status: 400,
        code: "INVALID_PARAMS",
      });
    }
    expect(await problemOf(await post(center, "/nodes/0000/undrain", {}))).toMatchObject({
      status: 404,
      code: "UNKNOWN_NODE",
    });
    expect(await listed(center)).toEqual([]);
  });

  test("take no more centers than a frame can tell of", async () => {
    const center = await startCenter();
    const addresses = (from: number): string[] => Array.from({ length: 600 }, (_, at) => String(from + at));
    expect((await post(center, "/centers/register", { addresses: addresses(1) })).status).toBe(200);
    expect(
      (await problemOf(await post(center, "/centers/register", { addresses: addresses(1000) }))).status,
    ).toBe(400);
    expect((await post(center, "/centers/register", { addresses: addresses(100) })).status).toBe(200);
  });

  test("serve POST alone, and want the token where there is one", async () => {
    const center = await startCenter([], { TOKEN: "hush" });
    for (const path of ["/centers/register", "/centers/remove", "/nodes/0000/drain", "/nodes/0000/undrain"]) {
      expect((await problemOf(await post(center, path, {}))).status).toBe(401);
      const got = await fetch(`${center.url}${path}`, { headers: { Authorization: "Bearer hush" } });
      expect(got.status).toBe(405);
    }
  });
});
