import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { ask, at, connectClient, startCenter, startCluster, startNode, tableOf } from "./cluster.js";
import { freePort } from "../free-ports.js";
import { endAll, run } from "./command.js";

let cluster: Awaited<ReturnType<typeof startCluster>>;
const directory = mkdtempSync(join(tmpdir(), "wsc-call-"));
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(async () => {
  await endAll();
  rmSync(directory, { recursive: true });
});

/** An address where nothing listens. */
async function deadUrl(): Promise<string> {
  const port = await freePort();
  return `http://127.0.0.1:${port}`;
}

describe("call", () => {
  test("shows the value at each node with its short id and address, and the sum of counts", async () => {
    const { centers, nodes } = cluster;
    const client = await connectClient(nodes[1].url);
    const { code, stdout, stderr } = await at(centers[0], ["call", "broadcast", "msg=hello there"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(await client.next()).toBe("hello there");
    const rows = tableOf(stdout, "NODE");
    expect(rows.slice(0, 2)).toEqual(
      expect.arrayContaining([
        [nodes[0].shortId, nodes[0].url, "0"],
        [nodes[1].shortId, nodes[1].url, "1"],
      ]),
    );
    expect(rows[2]).toEqual(["all", "1"]);
    expect(stdout).toContain("broadcast: number of connections that the message was queued to");
  });

  test("takes parameters as key=value, lists by key[]= or a key given again, and JSON by key:=", async () => {
    const { centers, nodes } = cluster;
    const [first, second, third] = await Promise.all(
      nodes.concat(nodes[0]).map(({ url }) => connectClient(url)),
    );
    const ids = [first, second, third].map((client) => client?.id ?? "");
    expect((await at(centers[0], ["call", "bindId", "id:=9007199254740993", `_id=${ids[0]}`])).code).toBe(0);
    expect(Object.values((await ask(centers[1], { getBindIds: {} }))["getBindIds"] ?? {}).flat()).toEqual([
      "9007199254740993",
    ]);
    const sent = await Promise.all([
      at(centers[0], ["call", "broadcast", 'msg:={"a":[1]}', `exclude_Ids[]=${ids[0]}`]),
      at(centers[0], ["call", "broadcast", "msg=a=b", `exclude_Ids=${ids[0]}`, `exclude_Ids=${ids[1]}`]),
      at(centers[0], ["call", "broadcast", "msg=x", `exclude_Ids:=${JSON.stringify(ids)}`]),
    ]);
    expect(sent.map(({ stdout }) => tableOf(stdout, "NODE").at(-1))).toEqual([
      ["all", "2"],
      ["all", "1"],
      ["all", "0"],
    ]);
    expect(new Set([await third?.next(), await third?.next()])).toEqual(new Set(["a=b", '{"a":[1]}']));
  });

  test("runs several events in one round trip and in order, a parameter going to each that takes it", async () => {
    const { centers, nodes } = cluster;
    const client = await connectClient(nodes[0].url);
    const events = "bindId,joinGroupById,getGroupIdsById,sendToGroup";
    const words = ["id=ada", `_id=${client.id}`, "joinGroupById[groupId]=room", "groupId=room", "msg=hi"];
    const { code, stdout } = await at(centers[1], ["call", events, ...words]);
    expect(code).toBe(0);
    expect(await client.next()).toBe("hi");
    const rows = tableOf(stdout, "EVENT").filter(([, node]) => node === nodes[0].shortId);
    expect(rows).toEqual([
      ["bindId", nodes[0].shortId, nodes[0].url, "0"],
      ["joinGroupById", nodes[0].shortId, nodes[0].url, "0"],
      ["getGroupIdsById", nodes[0].shortId, nodes[0].url, '"room"'],
      ["sendToGroup", nodes[0].shortId, nodes[0].url, "1"],
    ]);
  });

  test("joins groups that are given one by one, where an event takes a list of them", async () => {
    const { centers, nodes } = cluster;
    const client = await connectClient(nodes[0].url);
    const words = ["id=ben", `_id=${client.id}`, "groupId=a", "groupId=b,c"];
    await at(centers[0], ["call", "bindId,joinGroupById", ...words]);
    const { getGroupIdsById } = await ask(centers[0], { getGroupIdsById: { id: "ben" } });
    expect(getGroupIdsById?.[nodes[0].id]).toEqual(["a", "b", "c"]);
  });

  test("lists have an item a line, and no text of others moves the cursor", async () => {
    const { centers, nodes } = cluster;
    const client = await connectClient(nodes[0].url);
    const evil = "\u001b[2Jcarl\n\u202e";
    await ask(centers[0], { bindId: { id: evil, _id: client.id } });
    const { stdout } = await at(centers[0], ["call", "getIdBy_Id,getBind_Ids", `_id=${client.id}`]);
    expect(stdout).toContain(String.raw`"\u001b[2Jcarl\n\u202e"`);
    expect(stdout).toContain(`"${client.id}"`);
    // oxlint-disable-next-line no-control-regex
    expect(stdout).not.toMatch(/[\u001b\u202e]/);
  });

  test("--json writes the center's answer as it is", async () => {
    const { centers, nodes } = cluster;
    const { code, stdout, stderr } = await at(centers[0], ["call", "isOnlineId", "id=nobody", "--json"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toEqual({
      code: 0,
      msg: "ok",
      extra: [],
      master_ids: expect.arrayContaining(nodes.map(({ id }) => id)) as string[],
      data: { isOnlineId: Object.fromEntries(nodes.map(({ id }) => [id, false])) },
    });
  });

  test.each([
    ["an unknown event", ["sendGroup", "msg=x"], "did you mean sendToGroup?"],
    ["an event of which only a part is right", ["online", "id=x"], "did you mean isOnlineId or isOnline_Id?"],
    ["an event that is like no other", ["qqqqqq"], "--help"],
    [
      "a missing parameter",
      ["sendToGroup", "groupId=room"],
      "call sendToGroup groupId=… msg=… [excludeIds[]=…]",
    ],
    ["an empty id", ["isOnlineId", "id="], "id"],
    ["neither of two parameters", ["sendToClient", "msg=x"], '"_id" nor "id"'],
    ["a parameter that the event does not take", ["broadcast", "msg=x", "groupid=a"], "takes no groupid"],
    ["a parameter with another case", ["getGroupIdCount", "groupid=a"], "Did you mean groupId?"],
    ["a parameter for an event that is not called", ["broadcast", "msg=x", "bindId[id]=a"], "not among"],
    ["a word that is no parameter", ["broadcast", "hello"], "expected key=value"],
    ["JSON that is none", ["broadcast", "msg:={a"], "no JSON"],
    ["a value given twice", ["broadcast", "msg=a", "msg=b"], "given 2 times"],
    ["null for a message", ["broadcast", "msg:=null"], "null"],
    ["no event at all", [","], "no event"],
  ])("%s is wrong usage, and what to do is said", async (_what, words, advice) => {
    const { code, stdout, stderr } = await at(cluster.centers[0], ["call", ...words]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(advice);
    expect(stderr).not.toContain("    at ");
  });

  test("wrong usage is noticed before any center is asked", async () => {
    expect((await run(["call", "sendGroup", "--center", await deadUrl()])).code).toBe(2);
  });

  test("every event stands in --help with its parameters, and so do the exit codes", async () => {
    const { stdout } = await run(["call", "--help"]);
    expect(stdout).toContain("sendToGroup groupId=… msg=… [excludeIds[]=…] [exclude_Ids[]=…]");
    expect(stdout).toContain("closeBy_Id _id=… [reason=…]");
    expect(stdout).toMatch(/0 {2}done\n {2}1 .*\n {2}2 {2}wrong usage\n {2}3 {2}no center could be reached/);
  });
});

describe("a call that fails", () => {
  test("at a node that hangs ends with 1 and says which; the others' answers are shown", async () => {
    const center = await startCenter();
    const [good, frozen] = await Promise.all([startNode([center]), startNode([center])]);
    frozen.command.signal("SIGSTOP");
    onTestFinished(() => frozen.command.signal("SIGCONT"));
    const { code, stdout, stderr } = await at(center, ["call", "getIdCount", "--timeout-ms", "200"]);
    expect(code).toBe(1);
    expect(tableOf(stdout, "NODE")).toEqual(expect.arrayContaining([[good.shortId, good.url, "0"]]));
    expect(stdout).toContain("FAILED");
    expect(stderr).toContain("Failed at 1 of 2 nodes");
    expect(stderr).toContain(`${frozen.shortId} ${frozen.url}: getIdCount:`);
    expect(stderr).not.toContain(good.shortId);
  });

  test("because no node is linked ends with 1", async () => {
    const { code, stderr } = await at(await startCenter(), ["call", "getIds"]);
    expect(code).toBe(1);
    expect(stderr).toContain("No node is linked");
  });

  test("because nothing listens ends with 3, and names each center that was tried", async () => {
    const urls = [await deadUrl(), await deadUrl()];
    const { code, stdout, stderr } = await run(["call", "getIds", "--center", urls.join()]);
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    for (const url of urls) expect(stderr).toContain(`${url} could not be reached: nothing listens there`);
    expect(stderr).toContain("WSC_CENTER_URL");
  });

  test("because a link port was given ends with 3 and says so", async () => {
    const { code, stderr } = await run(["call", "getIds", "--center", cluster.centers[0].link]);
    expect(code).toBe(3);
    expect(stderr).toContain("link port");
  });

  test("because the port is a node's own, or of another program, ends with 1 and says so", async () => {
    const { url } = cluster.nodes[0];
    const atNode = await run(["call", "getIds", "--center", url.replace("ws:", "http:")]);
    expect(atNode.code).toBe(1);
    expect(atNode.stderr).toContain("a node's own HTTP port");

    const other = createServer((_request, response) => response.end("<html>hello</html>"));
    other.listen(0, "127.0.0.1");
    onTestFinished(() => void other.close());
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as AddressInfo;
    const atOther = await run(["call", "getIds", "--center", `127.0.0.1:${port}`]);
    expect(atOther.code).toBe(1);
    expect(atOther.stderr).toContain("what no center answers");
  });
});

describe("the center that is asked", () => {
  test("is the first that can be reached; one that accepts connections and says nothing is passed over", async () => {
    const silent = createTcpServer();
    silent.listen(0, "127.0.0.1");
    onTestFinished(() => void silent.close());
    await new Promise((resolve) => silent.once("listening", resolve));
    const { port } = silent.address() as AddressInfo;
    const dead = await deadUrl();
    const { centers } = cluster;
    const args = ["call", "getIds", "--center", `${dead},127.0.0.1:${port}`, "--center", centers[0].url];
    const { code, stderr } = await run(args);
    expect(code).toBe(0);
    expect(stderr).toBe(
      `${dead} could not be reached: nothing listens there; asking ${centers[0].url} instead\n` +
        `http://127.0.0.1:${port} could not be reached: it gave no answer in 2000 ms; asking ${centers[0].url} instead\n`,
    );
  });

  test("is the one that WSC_CENTER_URL names, where no flag does", async () => {
    const { centers } = cluster;
    const dead = await deadUrl();
    expect((await run(["call", "getIds"], { WSC_CENTER_URL: centers[0].url })).code).toBe(0);
    expect((await run(["call", "getIds"], { WSC_CENTER_URL: dead })).code).toBe(3);
    expect((await at(centers[0], ["call", "getIds"], { WSC_CENTER_URL: dead })).code).toBe(0);
  });

  test.each([
    ["ftp://a", "another scheme"],
    ["http://a b", "no URL"],
    ["http://ada:hush@127.0.0.1", "a user or a password"],
    ["http://127.0.0.1/?token=hush", "more than an address"],
    ["", "empty"],
  ])("cannot be %s", async (url, problem) => {
    const { code, stderr } = await run(["call", "getIds", "--center", url]);
    expect(code).toBe(2);
    expect(stderr).toContain(problem);
    expect(stderr).not.toContain("hush");
  });

  test.each(["0", "60001", "1.5", "soon"])("cannot be given %s ms", async (timeoutMs) => {
    const { code, stderr } = await at(cluster.centers[0], ["call", "getIds", "--timeout-ms", timeoutMs]);
    expect(code).toBe(2);
    expect(stderr).toContain("--timeout-ms");
  });
});

describe("a center with a token", () => {
  const token = "hush-hüsh";

  test("is called with that of TOKEN, WSC_TOKEN or a file, the first where there are several", async () => {
    const center = await startCenter([], { TOKEN: token });
    await startNode([center]);
    const file = join(directory, "token");
    writeFileSync(file, `${token}\n`);
    const ways = await Promise.all([
      at(center, ["call", "getIds"], { TOKEN: token }),
      at(center, ["call", "getIds"], { WSC_TOKEN: `${token},other` }),
      at(center, ["call", "getIds", "--token-file", file]),
      at(center, ["status"], { TOKEN_FILE: file }),
    ]);
    expect(ways.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      ways.map(() => ({ code: 0, stderr: "" })),
    );
    const refused = await Promise.all([
      at(center, ["call", "getIds"]),
      at(center, ["call", "getIds"], { TOKEN: `wrong-${token}` }),
      at(center, ["status"]),
    ]);
    for (const { code, stderr } of refused) {
      expect(code).toBe(1);
      expect(stderr).toContain("--token-file");
      expect(stderr).not.toContain(token);
    }
  });

  test("a file that cannot be read, and a token as a flag, are wrong usage", async () => {
    const missing = await run(["call", "getIds", "--token-file", join(directory, "missing")]);
    expect(missing.code).toBe(2);
    expect(missing.stderr).toContain("there is no such file");
    expect((await run(["call", "getIds", "--token", token])).code).toBe(2);
  });
});
