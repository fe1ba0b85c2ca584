import { expect, test } from "vitest";
import { Audience } from "../../src/node/audience.js";
import { Sequence } from "../../src/node/sequence.js";
import { FakeRecipient, frameOf } from "./recipients.js";

test("writes once to each who waits, whatever places they have had", () => {
  const audience = new Audience<FakeRecipient>();
  const [gone, excused, one, other] = [1, 2, 3, 4].map(() => new FakeRecipient()) as [
    FakeRecipient,
    FakeRecipient,
    FakeRecipient,
    FakeRecipient,
  ];
  const late = new FakeRecipient();
  for (const member of [gone, excused, one, other]) audience.add(member);
  audience.waitAll();
  expect(audience.waitingCount).toBe(4);
  expect(audience.remove(gone)).toBe(0);
  expect([audience.excuse(excused), audience.excuse(excused)]).toEqual([true, false]);
  audience.add(late);
  expect(new Set(audience.waiting)).toEqual(new Set([one, other]));
  expect(new Set(audience.others)).toEqual(new Set([excused, late]));
  audience.write(new Sequence().with(frameOf(3)));
  expect([gone, excused, one, other, late].map(({ writes }) => writes.length)).toEqual([0, 0, 1, 1, 0]);
  expect([excused, one].map((member) => audience.framesTo(member))).toEqual([0, 1]);
  audience.waitAll();
  audience.write(new Sequence().with(frameOf(3)).with(frameOf(20_000)));
  expect([gone, excused, one, other, late].map(({ writes }) => writes.length)).toEqual([0, 1, 2, 2, 1]);
  expect([gone, one].map(({ place }) => place >= 0)).toEqual([false, true]);
});
