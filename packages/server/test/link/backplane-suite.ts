import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Backplane, MAX_FRAME_BYTES, type Member } from "../../src/backplane/backplane.js";
import { hexId } from "./link-port.js";
import type { Recorder } from "./recorder.js";

/** A node's end that is linked to the center's. */
export interface LinkedNode {
  backplane: Backplane;
  recorder: Recorder;
  /** The node, as the center's end knows it. */
  atCenter: Member;
  /** The center, as the node's end knows it. */
  center: Member;
}

/** A driver under test: a center's end, and as many nodes as a test links to it. */
export interface BackplaneHarness {
  center: Backplane;
  centerRecorder: Recorder;
  /**
   * Links a process with that id, and resolves once both ends have announced each other. The process does not come
   * back by itself. Rejects where the center refuses it.
   */
  link: (nodeId: string) => Promise<LinkedNode>;
  close: () => Promise<void>;
}

/** What every backplane driver must do, whichever way its frames take. */
export function testBackplane(name: string, createHarness: () => Promise<BackplaneHarness>): void {
  let harness: BackplaneHarness;
  beforeEach(async () => {
    harness = await createHarness();
  });
  afterEach(() => harness.close());

  describe.each(["center to node", "node to center"])(`the ${name} backplane, %s`, (direction) => {
    /** The sending end and the receiving end. */
    async function link(): Promise<{
      near: Backplane;
      /** The far end, as the near end knows it. */
      far: Member;
      farBackplane: Backplane;
      /** What the far end hears; of `near`, which is how it knows the near end. */
      heard: Recorder;
      nearMember: Member;
      said: Recorder;
    }> {
      const node = await harness.link(hexId());
      const { center, centerRecorder } = harness;
      return direction === "center to node"
        ? {
            near: center,
            far: node.atCenter,
            farBackplane: node.backplane,
            heard: node.recorder,
            nearMember: node.center,
            said: centerRecorder,
          }
        : {
            near: node.backplane,
            far: node.center,
            farBackplane: center,
            heard: centerRecorder,
            nearMember: node.atCenter,
            said: node.recorder,
          };
    }

    /** Sends, and resolves with whether the frame may have left. */
    const sendAndHear = (near: Backplane, far: Member, frame: Uint8Array): Promise<boolean> =>
      new Promise((resolve) => near.send(far, frame, resolve));

    test("frames arrive whole and in the order in which they were sent", async () => {
      const { near, far, heard, nearMember } = await link();
      const size = fc.oneof(
        { weight: 4, arbitrary: fc.nat(300) },
        fc.integer({ min: MAX_FRAME_BYTES - 10, max: MAX_FRAME_BYTES }),
        fc.constant(0),
      );
      let before = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(size, fc.nat(255)), { minLength: 1, maxLength: 30 }),
          async (frames) => {
            const sent = frames.map(([bytes, fill]) => Buffer.alloc(bytes, fill));
            for (const frame of sent) near.send(far, frame);
            const arrived = await heard.untilFrames(before + sent.length, nearMember);
            expect(Buffer.concat(arrived.slice(before)).equals(Buffer.concat(sent))).toBe(true);
            expect(arrived.slice(before).map(({ length }) => length)).toEqual(
              sent.map(({ length }) => length),
            );
            before += sent.length;
          },
        ),
        { numRuns: 30 },
      );
    });

    test("nothing is delivered in the call to send, however much is sent", async () => {
      const { near, far, heard } = await link();
      const before = heard.seen.length;
      for (let count = 0; count < 20; count += 1) near.send(far, Buffer.alloc(MAX_FRAME_BYTES / 4));
      expect(heard.seen.length).toBe(before);
      await heard.untilFrames(20);
    });

    test("a member is announced before its first frame, and is gone from the list when it is said to have left", async () => {
      const { near, far, farBackplane, heard, nearMember } = await link();
      const present: boolean[] = [];
      farBackplane.onMember(() => present.push([...farBackplane.members()].includes(nearMember)));
      expect([...farBackplane.members()]).toContain(nearMember);
      near.send(far, Buffer.from("a"));
      await heard.untilFrames(1, nearMember);
      expect(heard.seen.find(({ member }) => member === nearMember)?.type).toBe("joined");
      near.end(far, "enough");
      await heard.untilLeft(nearMember);
      expect(present).toEqual([false]);
    });

    test("no frame of a member comes after the receiver has ended it", async () => {
      const { near, far, farBackplane, heard, nearMember } = await link();
      heard.onFrame = (member, bytes) => {
        if (bytes.toString() === "frame 5") farBackplane.end(member, "that is enough");
      };
      for (let at = 0; at < 50; at += 1) near.send(far, Buffer.from(`frame ${at}`));
      expect(await heard.untilLeft(nearMember)).toBe("that is enough");
      // Whatever still travels arrives before what another link carries there and back.
      const other = await harness.link(hexId());
      await sendAndHear(harness.center, other.atCenter, Buffer.from("there"));
      await other.recorder.untilFrames(1);
      other.backplane.send(other.center, Buffer.from("back"));
      await harness.centerRecorder.untilFrames(1, other.atCenter);
      expect(heard.frames(nearMember).map(String)).toEqual([0, 1, 2, 3, 4, 5].map((at) => `frame ${at}`));
      expect(heard.seen.findLast(({ member }) => member === nearMember)?.type).toBe("left");
    });

    test("pressure goes up with what is handed over and back to nothing once it has left", async () => {
      const { near, far, heard } = await link();
      expect(near.pressure(far)).toBe(0);
      near.send(far, Buffer.alloc(10_000));
      expect(near.pressure(far)).toBeGreaterThanOrEqual(10_000);
      const last = sendAndHear(near, far, Buffer.alloc(20_000));
      expect(near.pressure(far)).toBeGreaterThanOrEqual(30_000);
      await heard.untilFrames(2);
      await last;
      expect(near.pressure(far)).toBe(0);
    });

    test("sent is called once for each frame, in order, and says that it left", async () => {
      const { near, far } = await link();
      const told: [number, boolean][] = [];
      const frames = Array.from({ length: 40 }, (_, at) =>
        sendAndHear(near, far, Buffer.alloc(9000)).then((left) => told.push([at, left])),
      );
      await Promise.all(frames);
      expect(told).toEqual(frames.map((_, at) => [at, true]));
    });

    test.each(["this end", "the other end"])(
      "sent is called once for what was queued when %s ends the link; what surely did not leave never arrives",
      async (who) => {
        const { near, far, farBackplane, heard, nearMember, said } = await link();
        const told: boolean[][] = Array.from({ length: 41 }, () => []);
        const sent = told.map(
          (calls, at) =>
            new Promise<void>((resolve) => {
              near.send(far, Buffer.alloc(9000, at), (left) => {
                calls.push(left);
                resolve();
              });
            }),
        );
        if (who === "this end") near.end(far, "enough");
        else farBackplane.end(nearMember, "enough");
        await Promise.all(sent);
        await Promise.all([said.untilLeft(far), heard.untilLeft(nearMember)]);
        expect(told.map(({ length }) => length)).toEqual(told.map(() => 1));
        expect(near.pressure(far)).toBe(0);
        for (const bytes of heard.frames(nearMember)) expect(told[bytes[0] ?? -1]).toEqual([true]);
        // What was queued last waits for the end of the tick, and is lost.
        if (who === "this end") expect(told.at(-1)).toEqual([false]);
      },
    );

    test("what is sent to a member that has left goes nowhere, and sent says so", async () => {
      const { near, far, heard, nearMember } = await link();
      near.end(far, "enough");
      await heard.untilLeft(nearMember);
      expect(await sendAndHear(near, far, Buffer.from("late"))).toBe(false);
      expect(near.pressure(far)).toBe(0);
      expect(heard.frames(nearMember)).toEqual([]);
    });

    test("who ends a member gives the reason with which it leaves here, and both ends are told once", async () => {
      const { near, far, heard, nearMember, said } = await link();
      near.end(far, "it answered no ping");
      expect([...near.members()]).not.toContain(far);
      near.end(far, "a second time");
      expect(await said.untilLeft(far)).toBe("it answered no ping");
      expect(await heard.untilLeft(nearMember)).not.toBe("");
      expect(said.seen.filter(({ type, member }) => type === "left" && member === far)).toHaveLength(1);
      expect(heard.seen.filter(({ type, member }) => type === "left" && member === nearMember)).toHaveLength(
        1,
      );
    });

    test("close() ends every member at both ends; what is sent then goes nowhere", async () => {
      const { near, far, heard, nearMember, said } = await link();
      await near.close();
      await said.untilLeft(far);
      await heard.untilLeft(nearMember);
      expect([...near.members()]).toEqual([]);
      expect(await sendAndHear(near, far, Buffer.from("late"))).toBe(false);
    });
  });

  describe(`the ${name} backplane`, () => {
    test("what has left when a driver closes still arrives", async () => {
      const node = await harness.link(hexId());
      node.backplane.send(node.center, Buffer.from("first"));
      await harness.centerRecorder.untilFrames(1);
      const frames = Array.from({ length: 30 }, (_, at) => Buffer.alloc(3000, at));
      const sent = frames.map(
        (frame) => new Promise<boolean>((resolve) => node.backplane.send(node.center, frame, resolve)),
      );
      await Promise.all(sent);
      await node.backplane.close();
      await harness.centerRecorder.untilLeft(node.atCenter);
      expect(harness.centerRecorder.frames(node.atCenter)).toHaveLength(31);
    });

    test("a new link of the same process ends the old one before it is announced, and is a member of its own", async () => {
      const { center, centerRecorder } = harness;
      const id = hexId();
      const old = await harness.link(id);
      const fresh = await harness.link(id);
      expect(fresh.atCenter).not.toBe(old.atCenter);
      expect(centerRecorder.seen.map(({ type, member }) => [type, member])).toEqual([
        ["joined", old.atCenter],
        ["left", old.atCenter],
        ["joined", fresh.atCenter],
      ]);
      expect([...center.members()]).toEqual([fresh.atCenter]);
      await old.recorder.untilLeft(old.center);

      center.send(old.atCenter, Buffer.from("to the old one"));
      center.send(fresh.atCenter, Buffer.from("to the new one"));
      expect((await fresh.recorder.untilFrames(1)).map(String)).toEqual(["to the new one"]);
      expect(old.recorder.frames()).toEqual([]);
      center.end(old.atCenter, "the old one is no longer here to be ended");
      expect([...center.members()]).toEqual([fresh.atCenter]);
    });

    test("two living members never have the same first 12 characters", async () => {
      const first = await harness.link("0123456789ab".padEnd(32, "0"));
      await expect(harness.link("0123456789ab".padEnd(32, "1"))).rejects.toMatchObject({
        code: "NODE_KEY_TAKEN",
      });
      expect([...harness.center.members()]).toEqual([first.atCenter]);
      expect(harness.centerRecorder.joined()).toEqual([first.atCenter]);
      await harness.link("0123456789ac".padEnd(32, "0"));
    });

    test("a key is free again once its member has left", async () => {
      const first = await harness.link("0123456789ab".padEnd(32, "0"));
      harness.center.end(first.atCenter, "enough");
      const second = await harness.link("0123456789ab".padEnd(32, "1"));
      expect([...harness.center.members()]).toEqual([second.atCenter]);
    });

    test("sendAll reaches every member once, in order with other frames", async () => {
      const nodes = [await harness.link(hexId()), await harness.link(hexId()), await harness.link(hexId())];
      for (const { atCenter } of nodes) harness.center.send(atCenter, Buffer.from("before"));
      harness.center.sendAll(Buffer.from("to all"));
      for (const { atCenter } of nodes) harness.center.send(atCenter, Buffer.from("after"));
      for (const { recorder } of nodes) {
        expect((await recorder.untilFrames(3)).map(String)).toEqual(["before", "to all", "after"]);
      }
    });

    test("members are told apart: frames of many nodes come under the name of each", async () => {
      const nodes = await Promise.all(Array.from({ length: 5 }, () => harness.link(hexId())));
      for (const { backplane, center, atCenter } of nodes) backplane.send(center, Buffer.from(atCenter.id));
      for (const { atCenter } of nodes) {
        expect((await harness.centerRecorder.untilFrames(1, atCenter)).map(String)).toEqual([atCenter.id]);
      }
    });

    test("a center knows what each node says of itself; a node knows nothing of the kind of its center", async () => {
      const node = await harness.link(hexId());
      expect(node.atCenter.node?.info.version).toBe("1.2.3");
      expect(node.atCenter.node?.status).toMatchObject({ connections: 0, draining: false });
      expect(node.center.node).toBeUndefined();
    });

    test("who no longer listens is told of nothing", async () => {
      const types: string[] = [];
      const stop = harness.center.onMember(({ type }) => types.push(type));
      const node = await harness.link(hexId());
      stop();
      harness.center.end(node.atCenter, "enough");
      await node.recorder.untilLeft(node.center);
      expect(types).toEqual(["joined"]);
    });
  });
}
