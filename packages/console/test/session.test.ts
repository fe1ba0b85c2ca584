import { expect, test } from "vitest";
import { Session } from "../src/api/session.js";

class FakeStorage {
  readonly items = new Map<string, string>();
  getItem(key: string): string | null {
    return this.items.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.items.set(key, value);
  }
  removeItem(key: string): void {
    this.items.delete(key);
  }
}

function createSession(): { session: Session; storage: FakeStorage } {
  const storage = new FakeStorage();
  return { session: new Session("http://a/", storage as unknown as Storage), storage };
}

test("a center that is lost goes behind the others, and only if it was the one that was asked", () => {
  const { session } = createSession();
  session.learn(["http://b", "http://c/x", "http://a"]);
  expect(session.centers).toEqual(["http://a/", "http://b/", "http://c/x/"]);
  session.lost("http://a/");
  session.lost("http://a/");
  expect(session.centers).toEqual(["http://b/", "http://c/x/", "http://a/"]);
});

test("the only center that is known stays, and what is no address is not learnt", () => {
  const { session } = createSession();
  session.learn(["nowhere", ""]);
  session.lost("http://a/");
  expect(session.centers).toEqual(["http://a/"]);
});

test("the token is in the storage of the tab until it is forgotten", () => {
  const { session, storage } = createSession();
  session.token = "secret";
  expect(new Session("http://a/", storage as unknown as Storage).token).toBe("secret");
  session.token = "";
  expect(storage.items.size).toBe(0);
});

test("who listens hears of changes until it leaves", () => {
  const { session } = createSession();
  let heard = 0;
  const leave = session.subscribe(() => (heard += 1));
  session.learn(["http://b/"]);
  session.learn(["http://b/"]);
  session.choose("http://b/");
  leave();
  session.choose("http://a/");
  expect(heard).toBe(2);
});
