// Many nodes in one process, as a center sees them: a link each, in the real handshake and the real frames, and behind
// it no clients. They tell of the users that they are told to hold, and answer pings and calls.
import { randomBytes } from "node:crypto";
import { answerCommands } from "./commands.mjs";
import { dist } from "./dist.mjs";
import { userName } from "./users.mjs";

const { dial } = await dist("backplane/dial.js");
const { decodeMessagePack, encodeLinkFrame } = await dist("wire/codec.js");
const { version } = await dist("version.js");

const DIALS_AT_ONCE = 50;
/** As nodes fill their interest frames: in UTF-16 units of ids, each of which takes four besides. */
const FRAME_UNITS = 12_000;
const idsOfFrame = (idLength) => Math.ceil(FRAME_UNITS / (idLength + 4));

/** Where the center's word begins: an array of MessagePack, then a text; and what of it matters here. */
const isType = (bytes, type) => bytes.toString("latin1", 2, 2 + type.length) === type;

class SimulatedNode {
  id = randomBytes(16).toString("hex");
  users = 0;
  #told = 0;
  #link;
  #onAck = () => {};

  async dial(port) {
    const { link, replay } = await dial({
      ...{ host: "127.0.0.1", port, nodeId: this.id, secrets: [], tls: undefined },
      info: () => ({ version, publicUrl: "ws://127.0.0.1:1", startedAt: Date.now(), members: "addresses" }),
      status: () => this.#status(),
      checkHost: () => {},
      isTwin: () => false,
      signal: new AbortController().signal,
    });
    this.#link = link;
    this.#told = 0;
    link.onClose = () => (this.#link = undefined);
    link.onFrame = (bytes) => this.#take(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    replay();
  }

  end() {
    this.#link.terminate("it ends");
  }

  /** Resolves once the center has acknowledged that these are all. A frame goes when the link has taken the one before. */
  async tell(first, count) {
    this.users = count;
    const step = idsOfFrame(userName(first).length);
    for (let from = first; from < first + count; from += step) {
      const length = Math.min(step, first + count - from);
      await this.#interest({ users: Array.from({ length }, (_, at) => userName(from + at)) });
    }
    const last = this.#told + 1;
    const acked = new Promise((resolve) => {
      this.#onAck = (number) => number >= last && resolve();
    });
    await this.#interest({ whole: true });
    await acked;
  }

  #interest(told) {
    this.#told += 1;
    return new Promise((resolve) =>
      this.#link.send(encodeLinkFrame(["interest", this.#told, told]), () => setImmediate(resolve)),
    );
  }

  #status() {
    return { connections: this.users, users: this.users, groups: 0, draining: false };
  }

  /** Looks no closer than it must, so that one process keeps up with a center that serves a thousand. */
  #take(bytes) {
    if (isType(bytes, "ping")) {
      const [, number] = decodeMessagePack(bytes);
      this.#link.send(encodeLinkFrame(["pong", number, this.#status(), this.#told]));
    } else if (isType(bytes, "call")) {
      const [, id, , , commands] = decodeMessagePack(bytes);
      const outcomes = commands.map(([name]) => [true, name === "sendToUser" ? 1 : false]);
      this.#link.send(encodeLinkFrame(["reply", id, outcomes]));
    } else if (isType(bytes, "ack")) {
      this.#onAck(decodeMessagePack(bytes)[1]);
    }
  }
}

const nodes = [];
let centerPort = 0;
const now = () => Number(process.hrtime.bigint()) / 1e6;

async function inParallel(items, atOnce, work) {
  const rest = items.values();
  const lane = async () => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

answerCommands({}, async ({ link, tell, reconnect }) => {
  const startedAt = now();
  if (link !== undefined) {
    centerPort = link.port;
    nodes.push(...Array.from({ length: link.nodes }, () => new SimulatedNode()));
    await inParallel(nodes, DIALS_AT_ONCE, (node) => node.dial(centerPort));
  }
  // Each node holds as many, one range after the other.
  if (tell !== undefined) {
    const each = tell.users / nodes.length;
    await inParallel([...nodes.entries()], nodes.length, ([at, node]) => node.tell(at * each, each));
  }
  // The first node comes back with other users than it had.
  if (reconnect !== undefined) {
    const [node] = nodes;
    node.end();
    await node.dial(centerPort);
    await node.tell(reconnect.first, reconnect.users);
  }
  return { startedAt, endedAt: now() };
});
