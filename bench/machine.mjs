// What the figures were measured on and with.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import path from "node:path";
import { findCommand, peerFile, root } from "./setup.mjs";
import { cores } from "./process.mjs";

export function describeMachine() {
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: `${cpus().length} x ${cpus()[0].model.trim()}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: `Linux ${release()}`,
    cores,
    versions: versions(),
  };
}

function versions() {
  const ofPackage = (name) =>
    JSON.parse(readFileSync(peerFile(`../node_modules/${name}/package.json`), "utf8")).version;
  const own = JSON.parse(readFileSync(path.join(root, "packages", "server", "package.json"), "utf8")).version;
  const said = (command, args, pattern) => {
    const file = findCommand(command);
    if (file === undefined) return undefined;
    // nginx says its version on the standard error.
    const text = execFileSync("sh", ["-c", `"$0" ${args} 2>&1`, file], { encoding: "utf8" });
    return pattern.exec(text)?.[1];
  };
  const all = {
    "websocket-center": own,
    "Node.js": process.versions.node,
    ws: ofPackage("ws"),
    "Socket.IO": ofPackage("socket.io"),
    "uWebSockets.js": ofPackage("@trufflesuite/uws-js-unofficial"),
    Bun: ofPackage("bun"),
    Fastify: ofPackage("fastify"),
    nginx: said("nginx", "-v", /nginx\/(\S+)/),
    "nats-server": said("nats-server", "--version", /: v(\S+)/),
    "C compiler": said("cc", "--version", /^(.*)/),
  };
  return Object.fromEntries(Object.entries(all).filter(([, version]) => version !== undefined));
}
