import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { clientFrame, opcodes, RawClient } from "./raw-client.js";
import { Client, nextEvent, startNode } from "./running-node.js";

const MiB = 1024 * 1024;

describe.each([{ perMessageDeflate: false }, { perMessageDeflate: true }])("with %o", (options) => {
  test("messages of any kind and size arrive whole and in order", async () => {
    const node = await startNode(options);
    const client = await Client.connect(node, options);
    expect(client.socket.extensions !== "").toBe(options.perMessageDeflate);
    const messages = [
      "",
      "用户 é \u{1f600} \u0000 \uffff",
      Buffer.alloc(0),
      Buffer.from([0, 255, 128]),
      "x".repeat(MiB),
      Buffer.alloc(MiB, 0xa5),
      "y".repeat(20_000),
      ...Array.from({ length: 500 }, (_, index) => `message ${index}`),
    ];
    for (const message of messages) {
      expect(node.hub.sendToConnection({ connectionId: client.id, message })).toBe(1);
    }
    expectSame(await client.take(messages.length), messages);
  });

  test("any well-formed text arrives as it was sent, and comes back so", async () => {
    const node = await startNode(options);
    node.on("message", (connection, data) => connection.send(String(data)));
    const client = await Client.connect(node, options);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", maxLength: 300, size: "max" }), async (text) => {
        fc.pre(text !== "ping");
        node.hub.broadcast({ message: text });
        client.socket.send(text);
        expect(await client.take(2)).toEqual([text, text]);
      }),
      { numRuns: 300 },
    );
  });

  test("messages of several ticks and of several senders keep their order", async () => {
    const node = await startNode(options);
    const client = await Client.connect(node, options);
    node.hub.joinConnectionToGroup({ connectionId: client.id, groupId: "g" });
    const expected: string[] = [];
    for (let tick = 0; tick < 20; tick += 1) {
      for (let index = 0; index < 10; index += 1) {
        const message = `tick ${tick} message ${index} ${"z".repeat((tick * index * 997) % 40_000)}`;
        expected.push(message);
        if (index % 2 === 0) node.hub.broadcast({ message });
        else node.hub.sendToGroup({ groupId: "g", message });
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await client.take(expected.length)).toEqual(expected);
  });

  test("closing sends first what was queued before, and nothing after", async () => {
    const node = await startNode(options);
    const client = await Client.connect(node, options);
    const messages = ["a", "b".repeat(MiB), Buffer.from("c"), "d", "late"];
    const queued: boolean[] = [];
    node.on("message", (connection) => {
      for (const message of messages.slice(0, -1)) queued.push(connection.send(message));
      connection.close(4321, "bye");
      queued.push(connection.send("late"));
    });
    client.socket.send("hello");
    expect(await client.closed).toEqual({ code: 4321, reason: "bye" });
    expect(queued).toEqual([true, true, true, true, false]);
    expectSame(await client.take(messages.length - 1), messages.slice(0, -1));
    expect(client.untaken).toEqual([]);
  });

  test("a pong comes after the messages that were sent before its ping was read", async () => {
    const node = await startNode(options);
    node.on("message", (connection) => {
      for (const text of ["one", "two"]) connection.send(text);
    });
    const client = await Client.connect(node, options);
    const order: string[] = [];
    client.socket.on("message", (data: Buffer) => order.push(data.toString()));
    const pong = new Promise((resolve) => {
      client.socket.on("pong", (data) => resolve(order.push(`pong ${data.toString()}`)));
    });
    client.socket.send("question");
    client.socket.ping("now");
    await pong;
    expect(order).toEqual(["one", "two", "pong now"]);
  });
});

/** Compares bytes as bytes, for a deep comparison of large buffers takes seconds. */
function expectSame(received: readonly (string | Buffer)[], sent: readonly (string | Buffer)[]): void {
  expect(received.map((message) => typeof message)).toEqual(sent.map((message) => typeof message));
  for (const [index, message] of sent.entries()) {
    expect(Buffer.from(received[index]!).equals(Buffer.from(message)), `message ${index}`).toBe(true);
  }
}

test("messages, pongs and the close frame leave in the order in which they were asked for", async () => {
  const node = await startNode({ openMessage: false });
  node.on("message", (connection, data) => {
    connection.send(`answer to ${String(data)}`);
    if (data === "last") connection.close(4000, "done");
  });
  const client = await RawClient.open(node);
  client.write(
    clientFrame(opcodes.text, "first"),
    clientFrame(opcodes.ping, "1"),
    clientFrame(opcodes.text, "second"),
    clientFrame(opcodes.ping, "2"),
    clientFrame(opcodes.text, "last"),
  );
  const frames = await client.frames(6);
  expect(frames.map(({ opcode, payload }) => [opcode, payload.toString("latin1")])).toEqual([
    [opcodes.text, "answer to first"],
    [opcodes.pong, "1"],
    [opcodes.text, "answer to second"],
    [opcodes.pong, "2"],
    [opcodes.text, "answer to last"],
    [opcodes.close, "\x0f\xa0done"],
  ]);
});

test("what was queued before the client's close frame was read still goes out before the answer to it", async () => {
  const node = await startNode({ openMessage: false });
  const sent: boolean[] = [];
  node.on("message", (connection) => sent.push(connection.send("answer")));
  const client = await RawClient.open(node);
  client.write(clientFrame(opcodes.text, "question"), clientFrame(opcodes.close, Buffer.from([0x03, 0xe8])));
  const frames = await client.frames(2);
  expect(sent).toEqual([true]);
  expect(frames.map(({ opcode }) => opcode)).toEqual([opcodes.text, opcodes.close]);
});

test.each([
  [1000, ""],
  [1000, "x".repeat(123)],
  [1012, "用户"],
  [3000, "a"],
  [4999, "b"],
])("the client sees the close code %i and its reason", async (code, reason) => {
  const node = await startNode();
  node.on("open", (connection) => connection.close(code, reason));
  const ended = nextEvent(node, "close");
  const client = await Client.connect(node);
  expect(await client.closed).toEqual({ code, reason });
  expect((await ended).slice(1)).toEqual([code, reason]);
});

test.each([
  [1000, "bye"],
  [4000, "用户"],
])("a client that closes with %i gets its code back, and handlers hear it", async (code, reason) => {
  const node = await startNode();
  const ended = nextEvent(node, "close");
  const client = await Client.connect(node);
  expect(await client.close(code, reason)).toMatchObject({ code });
  expect((await ended).slice(1)).toEqual([code, reason]);
});

test("a close code or reason that no close frame can carry is refused, and the connection lives", async () => {
  const node = await startNode();
  const faults: unknown[] = [];
  node.on("open", (connection) => {
    for (const [code, reason] of [
      [999, ""],
      [1004, ""],
      [1005, ""],
      [1006, ""],
      [1015, ""],
      [2000, ""],
      [5000, ""],
      [1000.5, ""],
      [1000, "x".repeat(124)],
      [1000, "é".repeat(62)],
    ] as const) {
      try {
        connection.close(code, reason);
      } catch (error) {
        faults.push((error as { code: string }).code);
      }
    }
    connection.send("alive");
  });
  const client = await Client.connect(node);
  expect(await client.next()).toBe("alive");
  expect(faults).toEqual(Array.from({ length: 10 }, () => "INVALID_PARAMS"));
});

test("the first close counts, and a connection that is closing takes part in nothing", async () => {
  const node = await startNode();
  node.on("open", (connection) => {
    node.hub.bindUser({ userId: "u", connectionId: connection.id });
    connection.close(4001, "first");
    connection.close(4002, "second");
    expect(node.hub.countConnections({})).toBe(0);
    expect(node.hub.sendToUser({ userId: "u", message: "x" })).toBe(0);
  });
  const failed: unknown[] = [];
  node.on("error", (error) => failed.push(error));
  const client = await Client.connect(node);
  expect(await client.closed).toEqual({ code: 4001, reason: "first" });
  expect(failed).toEqual([]);
});

test("a peer that does not answer the close frame is cut off", async () => {
  const node = await startNode();
  const ended = nextEvent(node, "close");
  node.on("message", (connection) => connection.close(4100, "go"));
  const client = await RawClient.open(node);
  client.write(clientFrame(opcodes.text, "x"));
  expect((await ended).slice(1)).toEqual([4100, "go"]);
  await client.readToEnd();
});

test("a message over maxPayloadBytes closes its connection with 1009, and no other", async () => {
  const node = await startNode({ maxPayloadBytes: 1000 });
  node.on("message", (connection, data) => connection.send(`${data.length}`));
  const [client, other] = [await Client.connect(node), await Client.connect(node)];
  client.socket.send("x".repeat(1000));
  expect(await client.next()).toBe("1000");
  const ended = nextEvent(node, "close");
  client.socket.send("x".repeat(1001));
  expect((await client.closed).code).toBe(1009);
  expect((await ended)[1]).toBe(1009);
  other.socket.send("still here");
  expect(await other.next()).toBe("10");
});

test("text that is not UTF-8 closes the connection with 1007", async () => {
  const node = await startNode({ openMessage: false });
  const client = await RawClient.open(node);
  client.write(clientFrame(opcodes.text, Buffer.from([0xff])));
  const { opcode, payload } = await client.frame();
  expect([opcode, payload.readUInt16BE(0)]).toEqual([opcodes.close, 1007]);
});

test("a client whose close frame has come is in the hub no more, though its socket has not ended", async () => {
  const node = await startNode({ openMessage: false });
  const opened = nextEvent(node, "open");
  const client = await RawClient.open(node);
  const [{ id: connectionId }] = await opened;
  node.hub.bindUser({ userId: "u", connectionId });
  const ended = vi.fn<() => void>();
  node.on("close", ended);
  client.write(clientFrame(opcodes.close, Buffer.from([0x03, 0xe8])));
  expect((await client.frame()).opcode).toBe(opcodes.close);
  expect(ended).not.toHaveBeenCalled();
  expect(node.hub.countConnections({})).toBe(0);
  expect(node.hub.isUserOnline({ userId: "u" })).toBe(false);
  expect(node.hub.sendToConnection({ connectionId, message: "x" })).toBe(0);
});

test("a client that ends its side without reading what waits for it leaves the hub, and is cut off", async () => {
  const node = await startNode({ openMessage: false });
  const opened = nextEvent(node, "open");
  const client = await RawClient.open(node);
  const [connection] = await opened;
  const ended = nextEvent(node, "close");
  while (connection.bufferedBytes === 0) {
    connection.send("x".repeat(1024 * 1024));
    connection.flush();
  }
  client.socket.end();
  await vi.waitUntil(() => node.hub.countConnections({}) === 0);
  expect((await ended)[1]).toBe(1006);
});
