import { afterEach, describe, expect, test } from "vitest";
import { findProgram } from "../programs.js";
import { until } from "../contract/child.js";
import {
  ask,
  at,
  type CenterProcess,
  connectClient,
  startCenter,
  startCluster,
  startNode,
  tableOf,
} from "./cluster.js";
import { freePort } from "../free-ports.js";
import { endAll, run, start } from "./command.js";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

afterEach(endAll);

const script = findProgram("script");
const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

interface StatusJson {
  centers: { url: string | null; id?: string; isReached: boolean; problem?: string }[];
  nodes: { id: string; links: Record<string, string> }[];
  missingLinks: object[];
  totals: Record<string, number>;
}

/** What the center's status is once nodes have told of so many links: those to other centers come with a pong. */
function withLinks(count: number, center: CenterProcess): Promise<StatusJson> {
  return until(`the nodes tell of ${count} links`, async () => {
    const { stdout } = await at(center, ["status", "--json"]);
    const status = JSON.parse(stdout) as StatusJson;
    return status.totals["links"] === count ? status : undefined;
  });
}

describe("status", () => {
  test("shows centers, nodes, links and what they hold", async () => {
    const { centers, nodes } = await startCluster();
    const client = await connectClient(nodes[0].url);
    await ask(centers[0], {
      bindId: { id: "ada", _id: client.id },
      joinGroupById: { id: "ada", groupId: "a,b" },
    });
    const stdout = await until("the nodes have told what they hold", async () => {
      const status = await at(centers, ["status"]);
      expect(status).toMatchObject({ code: 0, stderr: "" });
      return status.stdout.includes("2 groups") ? status.stdout : undefined;
    });
    const up = expect.stringMatching(/^(\d+[dhms] ?)+$/) as string;
    const version = expect.stringMatching(/^\d+\.\d+\.\d+$/) as string;
    expect(tableOf(stdout, "CENTER")).toEqual(
      centers.map(({ url, id, link }) => [url, id.slice(0, 12), version, up, "2", link]),
    );
    expect(tableOf(stdout, "NODE")).toEqual(
      expect.arrayContaining([
        [nodes[0].shortId, nodes[0].url, version, up, "open", "1", "1", "2", "linked", "linked"],
        [nodes[1].shortId, nodes[1].url, version, up, "open", "0", "0", "0", "linked", "linked"],
      ]),
    );
    expect(stdout).toContain("2 centers, 2 nodes, 4 of 4 links; 1 connection, 1 user, 2 groups on all nodes");
    for (const { id } of centers) expect(stdout).toMatch(new RegExp(`^NODE .* ${id.slice(0, 12)}`, "m"));
  });

  test("says which nodes are full", async () => {
    const center = await startCenter();
    const node = await startNode([center], ["--max-connections", "1"]);
    await connectClient(node.url);
    const rows = await until("the node has told that it is full", async () => {
      const { stdout } = await at(center, ["status"]);
      return stdout.includes("full") ? tableOf(stdout, "NODE") : undefined;
    });
    expect(rows[0]?.[4]).toBe("full");
  });

  test("a missing link stands out, is told on stderr, and ends with 1", async () => {
    const centers = await Promise.all([startCenter(), startCenter()]);
    const whole = await startNode(centers);
    const half = await startNode([centers[0]]);
    const { code, stdout, stderr } = await at(centers, ["status"]);
    expect(code).toBe(1);
    const rows = tableOf(stdout, "NODE").map((row) => [row[0], ...row.slice(-2)]);
    expect(rows).toEqual([
      [whole.shortId, "linked", "linked"],
      [half.shortId, "linked", "MISSING"],
    ]);
    expect(stdout).toContain("3 of 4 links");
    expect(stderr).toContain(`Node ${half.shortId} is not linked to center ${centers[1].id.slice(0, 12)}.`);
    expect(stderr).not.toContain(whole.shortId);
  });

  test("a draining node and one that hangs are shown as such", async () => {
    const center = await startCenter();
    const [draining, frozen] = await Promise.all([startNode([center]), startNode([center])]);
    await at(center, ["drain", draining.id]);
    frozen.command.signal("SIGSTOP");
    const rows = await until("the frozen node is suspect", async () => {
      const found = tableOf((await at(center, ["status"])).stdout, "NODE");
      return found.some((row) => row.at(-1) === "SUSPECT") ? found : undefined;
    });
    frozen.command.signal("SIGCONT");
    const states = Object.fromEntries(rows.map((row) => [row[0], row[4]]));
    expect(states).toEqual({ [draining.shortId]: "draining", [frozen.shortId]: "SUSPECT, open" });
  });

  test("a center that cannot be reached ends with 1 while others can, and with 3 where none can", async () => {
    const { centers, nodes } = await startCluster();
    const port = await freePort();
    const dead = `http://127.0.0.1:${port}`;
    await withLinks(4, centers[0]);
    const some = await run(["status", "--center", `${dead},${centers[0].url}`]);
    expect(some.code).toBe(1);
    expect(tableOf(some.stdout, "CENTER")[0]).toEqual([dead, "NOT REACHED: nothing listens there"]);
    expect(tableOf(some.stdout, "NODE")).toHaveLength(nodes.length);
    expect(some.stderr).toBe(`${dead} could not be reached: nothing listens there\n`);

    const none = await run(["status", "--center", dead]);
    expect(none).toMatchObject({ code: 3, stdout: "" });
    expect(none.stderr).toContain("WSC_CENTER_URL");
  });

  test("a center that was not asked is known by what nodes say, and so are its links", async () => {
    const { centers, nodes } = await startCluster();
    const stray = await startNode([centers[0]]);
    const status = await withLinks(5, centers[0]);
    expect(status.centers).toMatchObject([
      { url: centers[0].url, id: centers[0].id, isReached: true },
      { url: null, id: centers[1].id, isReached: false },
    ]);
    expect(status.missingLinks).toEqual([{ nodeId: stray.id, centerId: centers[1].id }]);
    const links = Object.fromEntries(status.nodes.map((node) => [node.id, node.links[centers[1].id]]));
    expect(links).toEqual({ [nodes[0].id]: "linked", [nodes[1].id]: "linked", [stray.id]: "missing" });
  });

  test("two addresses of one center count it once", async () => {
    const center = await startCenter();
    await startNode([center]);
    const alias = center.url.replace("127.0.0.1", "localhost");
    const { code, stdout } = await run(["status", "--json", "--center", `${center.url},${alias}`]);
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as StatusJson).totals).toMatchObject({ centers: 1, nodes: 1, links: 1 });
  });
});

describe("status --watch", () => {
  test("prints one block after the other, through the loss of the center, until Ctrl-C, and ends with 0", async () => {
    const center = await startCenter();
    const watch = start(["status", "--watch", "--center", center.url]);
    await watch.prints(/1 center, 0 nodes[^]*1 center, 0 nodes/);
    center.command.signal("SIGTERM");
    await watch.prints(/NOT REACHED: nothing listens there/);
    watch.signal("SIGINT");
    expect(await watch.exited).toBe(0);
    expect(watch.stderr()).toBe("");
    // oxlint-disable-next-line no-control-regex
    expect(watch.stdout()).not.toMatch(/\u001b/);
  });

  test("writes a JSON object a line with --json", async () => {
    const center = await startCenter();
    const watch = start(["status", "--watch", "--json", "--center", center.url]);
    await watch.prints(/\n[^\n]+\n/);
    watch.signal("SIGINT");
    expect(await watch.exited).toBe(0);
    for (const line of watch.stdout().trim().split("\n")) {
      expect((JSON.parse(line) as StatusJson).centers).toMatchObject([{ id: center.id }]);
    }
  });

  /** What two draws of a terminal show, of which `stty` says how large it is. */
  async function watchInTerminal(stty: string, centers: string): Promise<string> {
    const command = `stty ${stty}; exec ${process.execPath} ${main} status --watch --center ${centers}`;
    const child = spawn(script ?? "", ["-qec", command, "/dev/null"], {
      env: { PATH: process.env["PATH"] ?? "", TERM: "xterm" },
    });
    let shown = "";
    await new Promise<void>((resolve) => {
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        shown += text;
        if (shown.split("\u001b[H").length > 2) resolve();
      });
    });
    child.stdin.write("\u0003");
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect(code).toBe(0);
    return shown;
  }

  test.skipIf(script === undefined)("draws over itself in a terminal, alarms in red", async () => {
    const center = await startCenter();
    const shown = await watchInTerminal("rows 0 cols 0", `${center.url},http://127.0.0.1:1`);
    expect(shown.split("\u001b[2J")).toHaveLength(2);
    expect(shown).toContain("\u001b[1;31mNOT REACHED\u001b[0m");
  });

  test.skipIf(script === undefined)(
    "shows as much as a terminal has rows for, the sums included",
    async () => {
      const center = await startCenter();
      const shown = await watchInTerminal("rows 4 cols 40", center.url);
      const [, first = ""] = shown.split("\u001b[H");
      const lines = first.split("\u001b[J")[0]?.replaceAll("\u001b[K", "").trim().split(/\r?\n/);
      expect(lines).toHaveLength(3);
      expect(lines?.[0]).toContain("CENTER");
      expect(lines?.slice(1)).toEqual(["… 2 more lines", expect.stringContaining("1 center, 0 nodes")]);
    },
  );
});
