import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import type { Connection } from "websocket-center";
import type { Client, ClientOptions, createClient, Gap, Status } from "../src/index.js";
import { chromiumPath, launchChromium } from "../../server/test/chromium.js";
import { spawnNode, startCluster, startNode, tokenOf } from "./cluster.js";
import { servePages } from "./pages.js";

/** What a page keeps of what its client tells. */
interface Story {
  client: Client<string>;
  statuses: Status[];
  messages: string[];
  gaps: Gap[];
  random: number;
  /** Whether the page came out of the back/forward cache. */
  wasCached: boolean;
  /** How many tokens were made, and whether there are none now. */
  tokens: number;
  lacksTokens: boolean;
}

type StoryWindow = typeof globalThis & {
  createClient: typeof createClient;
  story: Story;
  makeToken?: () => Promise<string>;
};

const quick = { backoff: { baseMs: 50, maxMs: 200 } };

describe.skipIf(chromiumPath === "")("in a real browser", () => {
  let browser: Browser;
  let pages: Awaited<ReturnType<typeof servePages>>;

  beforeAll(async () => {
    [browser, pages] = await Promise.all([launchChromium(), servePages()]);
  });

  afterAll(async () => {
    await browser?.close();
    pages?.close();
  });

  /** A page whose client is connected, in a browser context of its own. */
  async function openPage(
    options: Omit<ClientOptions<string>, "json">,
    beside?: Page,
    tokens?: { secret: string; lifeS: number },
  ): Promise<Page> {
    const context = beside?.context() ?? (await browser.newContext());
    if (beside === undefined) onTestFinished(() => context.close());
    const page = await context.newPage();
    await page.goto(pages.url);
    await page.waitForFunction(() => "createClient" in globalThis);
    if (tokens !== undefined) {
      await page.exposeFunction("makeToken", () =>
        tokenOf(tokens.secret, { sub: "ada", exp: Date.now() / 1000 + tokens.lifeS }),
      );
    }
    await page.evaluate(
      async (given) => {
        const page = globalThis as StoryWindow;
        const client = page.createClient({
          ...given,
          json: false,
          ...(page.makeToken !== undefined && {
            token: async () => {
              if (page.story.lacksTokens) throw new Error("logged out");
              page.story.tokens += 1;
              return (await page.makeToken?.()) ?? "";
            },
            protocols: (token) => ["access_token", token],
          }),
          environment: { random: () => page.story.random },
        } as ClientOptions<string> & { json: false });
        const story: Story = {
          client,
          statuses: [],
          messages: [],
          gaps: [],
          random: 0.5,
          wasCached: false,
          tokens: 0,
          lacksTokens: false,
        };
        page.story = story;
        client.on("status", (status) => story.statuses.push(status));
        client.on("message", (message) => story.messages.push(message));
        client.on("gap", (gap) => story.gaps.push(gap));
        addEventListener("pageshow", ({ persisted }) => (story.wasCached = persisted));
        await client.connect();
      },
      options as {},
    );
    return page;
  }

  const status = (page: Page): Promise<Status> =>
    page.evaluate(() => (globalThis as StoryWindow).story.client.status);
  const read = (page: Page): Promise<Omit<Story, "client">> =>
    page.evaluate(() => {
      const { client: _, ...story } = (globalThis as StoryWindow).story;
      return story;
    });
  const untilState = async <S extends Status["state"]>(
    page: Page,
    state: S,
  ): Promise<Status & { state: S }> => {
    await page.waitForFunction(
      (wanted) => (globalThis as StoryWindow).story.client.status.state === wanted,
      state,
    );
    return (await status(page)) as Status & { state: S };
  };
  const untilHeard = (page: Page, text: string): Promise<unknown> =>
    page.waitForFunction((wanted) => (globalThis as StoryWindow).story.messages.includes(wanted), text);
  const untilGaps = (page: Page, count: number): Promise<unknown> =>
    page.waitForFunction((wanted) => (globalThis as StoryWindow).story.gaps.length === wanted, count);

  test("the node is killed, then the center: the page is at the other node, and heard of one gap", async () => {
    const { center, api } = await startCluster(0);
    const nodes = await Promise.all([spawnNode(center.addresses.link), spawnNode(center.addresses.link)]);
    const page = await openPage({ url: nodes.map(({ url }) => url), ...quick });
    const { url } = await untilState(page, "open");
    nodes.find((node) => url.startsWith(node.url))?.kill();
    await untilGaps(page, 1);
    const open = await untilState(page, "open");
    expect(open.url).not.toBe(url);
    await vi.waitFor(() => expect(center.nodes.map(({ publicUrl }) => `${publicUrl}/`)).toContain(open.url));
    await api("broadcast&broadcast[msg]=still here");
    await untilHeard(page, "still here");
    await center.stop();
    expect((await status(page)).state).toBe("open");
    const { statuses, gaps } = await read(page);
    expect(statuses.map(({ state }) => state).slice(0, 3)).toEqual(["connecting", "open", "waiting"]);
    expect(gaps[0]?.from).toBeLessThanOrEqual(gaps[0]?.to ?? 0);
  });

  test("1012 sends it to the other node; 4500 keeps it away for good", async () => {
    const { nodes, urls, api } = await startCluster(2);
    const page = await openPage({ url: urls, ...quick });
    const { url } = await untilState(page, "open");
    const at = urls.findIndex((each) => url.startsWith(each));
    await nodes[at]?.drain();
    await untilGaps(page, 1);
    const open = await untilState(page, "open");
    expect(open.url).toContain(urls[1 - at]);
    await api(`closeBy_Id&closeBy_Id[_id]=${open.connectionId}&closeBy_Id[reason]=bye`);
    const { reason } = await untilState(page, "closed");
    expect(reason).toEqual({ kind: "closed", code: 4500, message: "bye" });
  });

  test("offline it waits long; back online it connects at once", async () => {
    const node = await startNode();
    const backoff = { baseMs: 50, maxMs: 200, hiddenMs: 3_600_000 };
    const connected = new Promise<Connection>((resolve) => node.on("open", resolve));
    const page = await openPage({ url: node.publicUrl, backoff });
    await page.context().setOffline(true);
    (await connected).close(4002);
    const { nextTryAt } = await untilState(page, "waiting");
    expect(nextTryAt).toBeGreaterThan(Date.now() + 60_000);
    await page.context().setOffline(false);
    await untilGaps(page, 1);
    await untilState(page, "open");
  });

  test("a page that is frozen gets everything when it runs again; a node that went meanwhile is a gap", async () => {
    const node = await startNode();
    const other = await startNode();
    const page = await openPage({ url: [node.publicUrl, other.publicUrl], ...quick });
    const { url, connectionId } = await untilState(page, "open");
    const [mine, theirs] = url.startsWith(node.publicUrl) ? [node, other] : [other, node];
    const devtools = await page.context().newCDPSession(page);
    const setState = (state: "frozen" | "active"): Promise<unknown> =>
      devtools.send("Page.setWebLifecycleState", { state });

    await setState("frozen");
    mine.hub.broadcast({ message: "while you slept" });
    await setState("active");
    await untilHeard(page, "while you slept");
    expect(await status(page)).toMatchObject({ state: "open", connectionId });

    await setState("frozen");
    await mine.stop();
    await setState("active");
    await untilGaps(page, 1);
    expect((await untilState(page, "open")).url).toContain(theirs.publicUrl);
  });

  test("a page whose process stood still gives the node up no sooner than it has asked again", async () => {
    const node = await startNode();
    const page = await openPage({ url: node.publicUrl, heartbeat: { intervalMs: 100, timeoutMs: 1000 } });
    const { connectionId } = await untilState(page, "open");
    const devtools = await browser.newBrowserCDPSession();
    const { processInfo } = await devtools.send("SystemInfo.getProcessInfo");
    const renderers = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id);
    for (const pid of renderers) process.kill(pid, "SIGSTOP");
    try {
      // As long as no timer of a page that only was busy would be late.
      await new Promise((resolve) => setTimeout(resolve, 2500));
      node.hub.broadcast({ message: "good morning" });
    } finally {
      for (const pid of renderers) process.kill(pid, "SIGCONT");
    }
    await untilHeard(page, "good morning");
    expect(await status(page)).toMatchObject({ state: "open", connectionId });
    expect((await read(page)).gaps).toEqual([]);
  });

  test("hidden it comes back slowly; once it is seen, at once", async () => {
    const node = await startNode();
    const backoff = { baseMs: 50, maxMs: 200, hiddenMs: 3_600_000 };
    const connected = new Promise<Connection>((resolve) => node.on("open", resolve));
    const page = await openPage({ url: node.publicUrl, backoff });
    const setHidden = (hidden: boolean): Promise<unknown> =>
      page.evaluate((value) => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => value });
        document.dispatchEvent(new Event("visibilitychange"));
      }, hidden);
    await setHidden(true);
    (await connected).close(4002);
    const { nextTryAt } = await untilState(page, "waiting");
    expect(nextTryAt).toBeGreaterThan(Date.now() + 60_000);
    await setHidden(false);
    await untilGaps(page, 1);
    await untilState(page, "open");
  });

  test("a page that was left and comes back is the same page, connected again, and heard of the gap", async () => {
    const node = await startNode();
    const page = await openPage({ url: node.publicUrl, ...quick });
    await untilState(page, "open");
    const left = new Promise((resolve) => node.on("close", (_connection, code) => resolve(code)));
    await page.goto(`${pages.url}elsewhere`);
    expect(await left).toBe(1000);
    node.hub.broadcast({ message: "nobody is here" });
    await page.evaluate(() => history.back());
    await vi.waitFor(async () => expect(page.url()).toBe(pages.url));
    await page.waitForFunction(() => "story" in globalThis);
    await untilGaps(page, 1);
    await untilState(page, "open");
    const { wasCached, statuses, messages } = await read(page);
    expect(wasCached).toBe(true);
    expect(statuses.find(({ state }) => state === "waiting")).toEqual({
      state: "waiting",
      reason: { kind: "page-hidden", message: "the page went to sleep" },
      nextTryAt: undefined,
    });
    node.hub.broadcast({ message: "welcome back" });
    await untilHeard(page, "welcome back");
    expect(messages).not.toContain("nobody is here");
  });

  test("a token is renewed in the page without a gap; one that ends costs the connection, and a new one brings it back", async () => {
    const secret = "a secret of clients that has 32 bytes";
    const { api, urls } = await startCluster(1, {
      clientJwtSecret: [secret],
      clientJwtLeewayMs: 0,
    });
    const page = await openPage({ url: urls, ...quick }, undefined, { secret, lifeS: 8 });
    const { connectionId } = await untilState(page, "open");
    await page.waitForFunction(() => (globalThis as StoryWindow).story.tokens >= 3);
    await api("sendMessageToId&sendMessageToId[id]=ada&sendMessageToId[msg]=renewed");
    await untilHeard(page, "renewed");
    expect(await status(page)).toMatchObject({ state: "open", connectionId });
    expect((await read(page)).gaps).toEqual([]);
    await page.evaluate(() => ((globalThis as StoryWindow).story.lacksTokens = true));
    await untilState(page, "waiting");
    // By now it may have tried again, in vain.
    const { statuses } = await read(page);
    expect(statuses.find(({ state }) => state === "waiting")).toMatchObject({
      reason: { kind: "closed", code: 4401 },
    });
    await page.evaluate(() => ((globalThis as StoryWindow).story.lacksTokens = false));
    await untilGaps(page, 1);
    await untilState(page, "open");
  }, 60_000);

  test("two tabs are two connections: both hear, and one that closes does not disturb the other", async () => {
    const node = await startNode();
    const page = await openPage({ url: node.publicUrl });
    const beside = await openPage({ url: node.publicUrl }, page);
    node.hub.broadcast({ message: "both" });
    await Promise.all([untilHeard(page, "both"), untilHeard(beside, "both")]);
    const left = new Promise((resolve) => node.on("close", resolve));
    await beside.close();
    await left;
    node.hub.broadcast({ message: "one" });
    await untilHeard(page, "one");
    expect((await read(page)).statuses).toHaveLength(2);
  });
});
