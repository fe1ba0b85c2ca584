import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const src = fileURLToPath(new URL("../src", import.meta.url));

/** What each room may import from, beside itself, `protocol` and the files that lie in no room. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  config: [],
  wire: [],
  backplane: ["wire", "config"],
  rpc: ["wire", "backplane"],
  services: ["rpc"],
  http: ["config"],
  steering: ["config", "http"],
  center: ["wire", "backplane", "rpc", "services", "config", "http", "steering"],
  node: ["wire", "backplane", "rpc", "services", "config", "http", "steering"],
  workers: ["backplane", "config", "http", "node"],
  cli: ["backplane", "rpc", "services", "config", "http", "center", "node", "workers"],
};

const rooms = readdirSync(src, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/** The rooms that files of `room` import from, each with one file that does. */
function importsOf(room: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of readdirSync(path.join(src, room), { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".ts")) continue;
    const place = path.join(src, room, file);
    for (const [, specifier = ""] of readFileSync(place, "utf8").matchAll(
      /(?:from|import) ?\(?"(\.[^"]+)"/g,
    )) {
      const [target = "", ...rest] = path
        .relative(src, path.resolve(path.dirname(place), specifier))
        .split(path.sep);
      if (rest.length > 0 && target !== room) found.set(target, `${room}/${file}`);
    }
  }
  return found;
}

test("the table of rooms names every room, and has no cycle: each may import from those above it only", () => {
  expect(Object.keys(mayImport).toSorted()).toEqual(rooms.toSorted());
  const order = Object.keys(mayImport);
  for (const [room, others] of Object.entries(mayImport)) {
    for (const other of others)
      expect(order.indexOf(other), `${room} -> ${other}`).toBeLessThan(order.indexOf(room));
  }
});

test.each(rooms)("%s imports only from the rooms that it may", (room) => {
  const forbidden = [...importsOf(room)].filter(([target]) => mayImport[room]?.includes(target) !== true);
  expect(forbidden).toEqual([]);
});

test("the search for imports finds those that are there", () => {
  expect([...importsOf("rpc").keys()].toSorted()).toEqual(["backplane", "wire"]);
});
