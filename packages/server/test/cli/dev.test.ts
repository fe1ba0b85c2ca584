import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { endAll, occupy, run, start } from "./command.js";

afterEach(endAll);

const ports = [8010, 8011, 8012, 8013, 8090, 8091];

/** An offset at which all ports of `dev` are free. */
async function freeOffset(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const offset = 1000 + Math.floor(Math.random() * 20_000);
    if (await areFree(ports.map((port) => port + offset))) return offset;
  }
  throw new Error("found no free ports");
}

async function areFree(wanted: readonly number[]): Promise<boolean> {
  for (const port of wanted) {
    try {
      const { free } = await occupy(port);
      await free();
    } catch {
      return false;
    }
  }
  return true;
}

describe("dev", () => {
  test("runs a cluster in which what it prints works, and ends with 0", async () => {
    const offset = await freeOffset();
    const dev = start(["dev", "--port-offset", String(offset)]);
    await dev.prints(/Ctrl-C stops everything/);
    const overview = dev.stdout();
    for (const port of ports) expect(overview).toContain(String(port + offset));

    const [, clientUrl = ""] = /new WebSocket\("([^"]+)"\)/.exec(overview) ?? [];
    const client = new WebSocket(clientUrl);
    await once(client, "message");
    const [, url = "", body = ""] = /curl '([^']+)' -d '([^']+)'/.exec(overview) ?? [];
    const received = once(client, "message");
    const answer = (await (await fetch(url, { method: "POST", body })).json()) as {
      code: number;
      master_ids: string[];
      data: { broadcast: Record<string, number> };
    };
    expect(answer.code).toBe(0);
    expect(answer.master_ids).toHaveLength(2);
    expect(Object.values(answer.data.broadcast).sort((left, right) => left - right)).toEqual([0, 1]);
    expect(String((await received)[0])).toBe("hello");

    dev.signal("SIGINT");
    expect(await dev.exited).toBe(0);
    expect(dev.stderr()).toBe("");
    expect(await areFree(ports.map((port) => port + offset))).toBe(true);
  });

  test("says which port is taken and how to move them all, and leaves nothing behind", async () => {
    const offset = await freeOffset();
    const { free } = await occupy(8091 + offset);
    const { code, stdout, stderr } = await run(["dev", "--port-offset", String(offset)]);
    await free();
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(String(8091 + offset));
    expect(stderr).toContain(`--port-offset ${offset + 100}`);
    expect(await areFree(ports.map((port) => port + offset))).toBe(true);
  });

  test.each(["-1", "x", "60000"])("the port offset %s ends it with 2", async (offset) => {
    const { code, stderr } = await run(["dev", `--port-offset=${offset}`]);
    expect(code).toBe(2);
    expect(stderr).toContain("--port-offset");
  });
});
