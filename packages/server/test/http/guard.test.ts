import { describe, expect, test } from "vitest";
import { createGuard, preflightHeaders } from "../../src/http/guard.js";

interface Parts {
  host?: string | undefined;
  origin?: string;
  site?: string;
  peer?: string | undefined;
  url?: string;
  proxied?: Record<string, string>;
}

function request({ host, origin, site, peer, url, proxied }: Parts) {
  return {
    headers: {
      ...(host === undefined ? {} : { host }),
      ...(origin === undefined ? {} : { origin }),
      ...(site === undefined ? {} : { "sec-fetch-site": site }),
      ...proxied,
    },
    socket: { remoteAddress: peer },
    url: url ?? "/?event=getIds",
  };
}

const local = { host: "localhost:8011", peer: "127.0.0.1" };
const open = createGuard({
  needsToken: () => false,
  allowedOrigins: ["https://Admin.example.com:443/", "null-app://x"],
});

describe("with a token", () => {
  const guard = createGuard({ needsToken: () => true, allowedOrigins: [] });

  test("any host, origin and peer may ask", () => {
    const asked = {
      host: "evil.example",
      origin: "https://evil.example",
      peer: "203.0.113.1",
      site: "cross-site",
    };
    expect(guard.check(request(asked))).toEqual({
      ok: true,
      cors: {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "WSC-Call-Id, Retry-After",
      },
    });
  });
});

describe("without a token", () => {
  test.each([
    "localhost",
    "localhost:8011",
    "LOCALHOST:1",
    "api.localhost:8011",
    "127.0.0.1",
    "127.9.8.7:80",
    "[::1]",
    "[::1]:8011",
    "[0:0:0:0:0:0:0:1]:8011",
  ])("Host %s is served", (host) => {
    expect(open.check(request({ ...local, host }))).toMatchObject({ ok: true });
  });

  test.each([
    undefined,
    "",
    "example.com",
    "localhost.example.com",
    "127.0.0.1.example.com",
    "notlocalhost",
    "127.0.0.1@example.com",
    "user@localhost",
    "localhost:80:80",
    "localhost:port",
    "localhost/path",
    "[::1",
    "::1",
    "[::2]",
    "0.0.0.0",
    "[::]",
    "128.0.0.1",
    "127.1",
    " localhost",
    "localhost, example.com",
  ])("Host %s is refused", (host) => {
    expect(open.check(request({ ...local, host }))).toMatchObject({ ok: false });
  });

  test.each(["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"])("the peer %s is served", (peer) => {
    expect(open.check(request({ ...local, peer }))).toMatchObject({ ok: true });
  });

  test.each([undefined, "192.0.2.1", "::ffff:192.0.2.1", "fe80::1%eth0"])(
    "the peer %s is refused",
    (peer) => {
      expect(open.check(request({ ...local, peer }))).toMatchObject({ ok: false });
    },
  );

  test.each([
    "http://localhost",
    "https://localhost:3000",
    "http://127.0.0.1:5173",
    "http://[::1]:1",
    "http://a.localhost",
  ])("Origin %s is allowed and echoed", (origin) => {
    expect(open.check(request({ ...local, origin, site: "cross-site" }))).toEqual({
      ok: true,
      cors: {
        "Access-Control-Allow-Origin": origin,
        Vary: "Origin",
        "Access-Control-Expose-Headers": "WSC-Call-Id, Retry-After",
      },
    });
  });

  test.each(["https://admin.example.com", "null-app://x"])("the listed Origin %s is allowed", (origin) => {
    expect(open.check(request({ ...local, origin }))).toMatchObject({
      ok: true,
      cors: { "Access-Control-Allow-Origin": origin },
    });
  });

  test.each([
    "https://evil.example",
    "http://admin.example.com",
    "https://admin.example.com:8443",
    "null",
    "",
    "http://localhost.evil.example",
    "ftp://localhost",
    "http://localhost/path",
    "http://localhost, https://evil.example",
    "http://user@localhost",
  ])("Origin %j is refused, and not echoed", (origin) => {
    expect(open.check(request({ ...local, origin }))).toMatchObject({ ok: false, cors: { Vary: "Origin" } });
    expect(open.check(request({ ...local, origin })).cors).not.toHaveProperty("Access-Control-Allow-Origin");
  });

  test("no Origin from another site is refused, from here it is served", () => {
    expect(open.check(request({ ...local, site: "cross-site" }))).toMatchObject({ ok: false });
    for (const site of ["same-origin", "same-site", "none"]) {
      expect(open.check(request({ ...local, site }))).toMatchObject({ ok: true });
    }
  });

  test("an absolute target names the host as well", () => {
    expect(open.check(request({ ...local, url: "http://evil.example/?event=getIds" }))).toMatchObject({
      ok: false,
    });
    expect(open.check(request({ ...local, url: "http://localhost:8011/?event=getIds" }))).toMatchObject({
      ok: true,
    });
    expect(open.check(request({ ...local, url: "*" }))).toMatchObject({ ok: true });
  });

  test("the rules follow the tokens as they change", () => {
    let needsToken = false;
    const guard = createGuard({ needsToken: () => needsToken, allowedOrigins: [] });
    const remote = request({ host: "example.com", peer: "192.0.2.1" });
    expect(guard.check(remote).ok).toBe(false);
    needsToken = true;
    expect(guard.check(remote).ok).toBe(true);
  });
});

describe("preflights", () => {
  const asked = (names?: string) =>
    preflightHeaders(names === undefined ? {} : { "access-control-request-headers": names });

  test("allow the headers that are asked for", () => {
    expect(asked("x-one,Content-Type , authorization")["Access-Control-Allow-Headers"]).toBe(
      "x-one, Content-Type, authorization",
    );
  });

  test.each([undefined, "", "x y", "a,,b", "x\u00e9", "a;b"])("name the usual headers for %j", (names) => {
    expect(asked(names)).toEqual({
      "Access-Control-Allow-Methods": "GET, POST, HEAD, OPTIONS",
      "Access-Control-Allow-Headers": "Authorization, Content-Type",
      "Access-Control-Max-Age": "7200",
    });
  });
});

describe("a request that a proxy passed on, without a token", () => {
  const trusting = createGuard({
    needsToken: () => false,
    allowedOrigins: [],
    trustedProxies: ["127.0.0.0/8"],
  });
  const refused = { ok: false, message: expect.stringMatching(/TOKEN.*WSC_TRUSTED_PROXIES/) as string };

  test.each([
    { "x-forwarded-for": "203.0.113.7" },
    { "x-forwarded-for": "127.0.0.1" },
    { forwarded: "for=127.0.0.1" },
    { "x-real-ip": "203.0.113.7" },
    { "x-forwarded-host": "localhost" },
    { "x-forwarded-proto": "https" },
    { via: "1.1 cache" },
    { "x-forwarded-for": "" },
  ])("is refused with what to set, whomever it names: %j", (proxied) => {
    expect(open.check(request({ ...local, proxied }))).toMatchObject(refused);
    const elsewhere = createGuard({
      needsToken: () => false,
      allowedOrigins: [],
      trustedProxies: ["10.0.0.0/8"],
    });
    expect(elsewhere.check(request({ ...local, proxied }))).toMatchObject(refused);
  });

  test.each([
    { "x-forwarded-for": "203.0.113.7" },
    { "x-forwarded-for": "127.0.0.1, 203.0.113.7" },
    { "x-forwarded-for": "unknown" },
    { "x-forwarded-for": "127.0.0.1", forwarded: "for=203.0.113.7" },
    { forwarded: "for=203.0.113.7" },
    { "x-forwarded-for": "127.0.0.1", "x-forwarded-host": "chat.example" },
    { "x-real-ip": "127.0.0.1" },
    { via: "1.1 cache" },
  ])("is refused from a trusted proxy too, unless all that it names is this machine: %j", (proxied) => {
    expect(trusting.check(request({ ...local, proxied }))).toMatchObject(refused);
  });

  test.each([
    { "x-forwarded-for": "127.0.0.1" },
    { "x-forwarded-for": "::1", "x-forwarded-host": "localhost:5173", "x-forwarded-proto": "http" },
    { forwarded: 'for="[::1]"', via: "1.1 dev" },
  ])("is served by a trusted proxy for a client of this machine: %j", (proxied) => {
    expect(trusting.check(request({ ...local, proxied }))).toMatchObject({ ok: true });
  });

  test("is not asked about where there is a token", () => {
    const guard = createGuard({ needsToken: () => true, allowedOrigins: [] });
    expect(guard.check(request({ ...local, proxied: { "x-forwarded-for": "203.0.113.7" } }))).toMatchObject({
      ok: true,
    });
  });
});
