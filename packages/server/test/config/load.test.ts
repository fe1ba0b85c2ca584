import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config/load.js";

const directory = mkdtempSync(join(tmpdir(), "wsc-config-"));
afterAll(() => rmSync(directory, { recursive: true }));
let written = 0;

/** The path of a new file with `content`. */
function fileWith(content: unknown): string {
  const path = join(directory, `${++written}.json`);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

function messageOfFailure(load: () => unknown): string {
  try {
    load();
  } catch (error) {
    expect(error).toMatchObject({ code: "CONFIG_INVALID" });
    return error instanceof Error ? error.message : "";
  }
  throw new Error("nothing was refused");
}

const SECRET = "0123456789abcdef0123456789abcdef";

describe("precedence", () => {
  test("without anything, everything has its default", () => {
    const { config, sources, warnings } = loadConfig("node", {});
    expect(config).toMatchObject({
      host: "127.0.0.1",
      port: 8090,
      centers: ["8010"],
      token: [],
      logLevel: "info",
    });
    expect(config.adminPort).toBeUndefined();
    expect(new Set(Object.values(sources).map(({ from }) => from))).toEqual(new Set(["default"]));
    expect(warnings).toEqual([]);
  });

  test("flags come before the environment, that before the file, and that before the default", () => {
    const file = fileWith({ linkPort: 1, httpPort: 1, callTimeoutMs: 1 });
    const { config, sources } = loadConfig("center", {
      flags: { linkPort: "3" },
      env: { REGISTER_CENTER_PORT: "2", HTTP_PORT: "2" },
      file,
    });
    expect(config).toMatchObject({ linkPort: 3, httpPort: 2, callTimeoutMs: 1, heartbeatMs: 250 });
    expect(sources.linkPort).toEqual({ from: "flag", name: "--link-port" });
    expect(sources.httpPort).toEqual({ from: "environment", name: "HTTP_PORT" });
    expect(sources.callTimeoutMs).toEqual({ from: "file", name: file });
    expect(sources.heartbeatMs).toEqual({ from: "default" });
  });

  test("an empty variable counts as not set", () => {
    expect(loadConfig("node", { env: { PORT: "", WSC_PORT: " ", TOKEN: "" } }).config.port).toBe(8090);
  });

  test("a wrong value that another one overrides does no harm", () => {
    expect(loadConfig("node", { flags: { port: "1" }, env: { PORT: "wrong" } }).config.port).toBe(1);
  });

  test("where a classic variable and WSC_* differ, WSC_* counts, with a warning", () => {
    const { config, warnings } = loadConfig("node", { env: { PORT: "1", WSC_PORT: "2" } });
    expect(config.port).toBe(2);
    expect(warnings).toEqual(["WSC_PORT and PORT differ: WSC_PORT counts."]);
    expect(loadConfig("node", { env: { PORT: "1", WSC_PORT: "1" } }).warnings).toEqual([]);
  });

  test("flags without a value are booleans", () => {
    const { config, sources } = loadConfig("node", { flags: { linkTls: true, openMessage: false } });
    expect(config).toMatchObject({ linkTls: true, openMessage: false });
    expect(sources.openMessage).toEqual({ from: "flag", name: "--no-open-message" });
  });

  test("a certificate authority for links implies TLS on links", () => {
    const { config, sources } = loadConfig("node", { env: { WSC_LINK_TLS_CA: "ca.pem" } });
    expect(config.linkTls).toBe(true);
    expect(sources.linkTls).toEqual({ from: "environment", name: "WSC_LINK_TLS_CA" });
  });
});

describe("secrets", () => {
  test("come from the environment as comma lists", () => {
    const { config } = loadConfig("center", {
      env: { TOKEN: "a, b,", WSC_LINK_SECRET: `${SECRET},${SECRET}2` },
    });
    expect(config.token).toEqual(["a", "b"]);
    expect(config.linkSecret).toEqual([SECRET, `${SECRET}2`]);
  });

  test.each([
    ["TOKEN_FILE", "the environment", (path: string) => ({ env: { TOKEN_FILE: path } })],
    ["WSC_TOKEN_FILE", "the environment", (path: string) => ({ env: { WSC_TOKEN_FILE: path } })],
    ["--token-file", "a flag", (path: string) => ({ flags: { tokenFile: path } })],
    ["tokenFile", "a configuration file", (path: string) => ({ file: fileWith({ tokenFile: path }) })],
  ])(
    "%s of %s names a file that holds them, without the line break at its end",
    (_name, _place, inputFor) => {
      expect(loadConfig("center", inputFor(fileWith("one,two\r\n"))).config.token).toEqual(["one", "two"]);
    },
  );

  test("a variable and its _FILE exclude each other", () => {
    const message = messageOfFailure(() => loadConfig("node", { env: { TOKEN: "a", WSC_TOKEN_FILE: "b" } }));
    expect(message).toBe("token is set twice: by TOKEN and by WSC_TOKEN_FILE. Set one of them");
  });

  test("a file that is missing or empty is an error", () => {
    const missing = join(directory, "missing");
    expect(messageOfFailure(() => loadConfig("node", { env: { TOKEN_FILE: missing } }))).toBe(
      `tokenFile (TOKEN_FILE): ${missing} cannot be read: there is no such file`,
    );
    const empty = fileWith("\n");
    expect(messageOfFailure(() => loadConfig("node", { flags: { tokenFile: empty } }))).toBe(
      `tokenFile (--token-file): ${empty} is empty`,
    );
  });

  test("are refused in a configuration file, with advice and without being shown", () => {
    const file = fileWith({ token: ["hush-hush"], linkSecret: SECRET });
    const message = messageOfFailure(() => loadConfig("center", { file }));
    expect(message).toContain('set WSC_TOKEN or TOKEN, or "tokenFile"');
    expect(message).toContain('set WSC_LINK_SECRET, or "linkSecretFile"');
    expect(message).not.toMatch(/hush|0123/);
  });

  test("are not shown where they are wrong", () => {
    const message = messageOfFailure(() => loadConfig("node", { env: { WSC_LINK_SECRET: "hush-hush" } }));
    expect(message).toContain("linkSecret (environment WSC_LINK_SECRET) is not allowed");
    expect(message).toContain("32 bytes or more");
    expect(message).not.toContain("hush");
  });

  test("are not shown where the configuration file is not valid JSON", () => {
    const message = messageOfFailure(() => loadConfig("node", { file: fileWith('{"token": hush-hush}') }));
    expect(message).toContain("is not valid JSON");
    expect(message).not.toContain("hush-hush");
  });
});

describe("problems", () => {
  test("all are told at once, each with its option, its place, its value and what is allowed", () => {
    const file = fileWith({ maxIdBytes: "512", otherCenters: ["8012", "nowhere"] });
    const env = { HTTP_PORT: "70000", WSC_CALL_TIMEOUT_MS: "0" };
    const message = messageOfFailure(() => loadConfig("center", { flags: { logLevel: "loud" }, env, file }));
    expect(message.split("\n")).toEqual([
      "httpPort (environment HTTP_PORT) is 70000: expected a port from 0 to 65535, 0 for any free one",
      `otherCenters (file ${file}) has "nowhere": expected a list of \`port\`, \`host:port\` or \`[IPv6]:port\`, the port from 1 to 65535`,
      `maxIdBytes (file ${file}) is "512": expected a whole number of bytes from 32 to 65536`,
      "callTimeoutMs (environment WSC_CALL_TIMEOUT_MS) is 0: expected a whole number of milliseconds from 1 to 60000",
      'logLevel (flag --log-level) is "loud": expected one of trace, debug, info, warn, error, fatal, silent',
    ]);
  });

  test("a certificate without its key, and a key without its certificate", () => {
    const message = messageOfFailure(() =>
      loadConfig("center", { env: { WSC_TLS_CERT: "a.pem", WSC_LINK_TLS_KEY: "b.pem" } }),
    );
    expect(message.split("\n")).toEqual([
      "tlsCert is set but tlsKey is not: TLS needs both",
      "linkTlsKey is set but linkTlsCert is not: TLS needs both",
    ]);
  });

  test("a configuration file that cannot be read or holds no object", () => {
    const missing = join(directory, "missing.json");
    expect(messageOfFailure(() => loadConfig("node", { file: missing }))).toContain("there is no such file");
    expect(messageOfFailure(() => loadConfig("node", { file: fileWith("[]") }))).toContain("a JSON object");
  });
});

describe("warnings", () => {
  test("an unknown key in the file, with the nearest one that is known", () => {
    const file = fileWith({ callTimeoutms: 1, somethingElse: 1, adminPort: null });
    expect(loadConfig("center", { file }).warnings).toEqual([
      `callTimeoutms in ${file} is unknown: did you mean callTimeoutMs?`,
      `somethingElse in ${file} is unknown`,
    ]);
  });

  test("an option of the other process in the file", () => {
    const file = fileWith({ centers: ["8010"] });
    expect(loadConfig("center", { file }).warnings).toEqual([
      `centers in ${file} is ignored: it is no option of a center.`,
    ]);
  });

  test("a variable that looks like one of ours, but not one that belongs to somebody else", () => {
    const env = { WSC_LINK_SECRT: "x", WSC_SERVICE_HOST: "10.0.0.1", WSC_ADMIN_PORT: "1", PROT: "1" };
    expect(loadConfig("center", { env }).warnings).toEqual([
      "WSC_LINK_SECRT is unknown: did you mean WSC_LINK_SECRET?",
    ]);
  });
});
