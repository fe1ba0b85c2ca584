import { describe, expect, test } from "vitest";
import { fileVariablesOf, flagOf, offFlagOf, variableOf, variablesOf } from "../../src/config/names.js";
import type { OptionSpec } from "../../src/config/option-spec.js";
import { options, optionsOf } from "../../src/config/options.js";
import { nearest } from "../../src/config/nearest.js";

const table = Object.entries<OptionSpec>(options);

describe("the table of options", () => {
  test.each(table)("the default of %s is a value that it takes", (_key, spec) => {
    if (spec.default === undefined) return;
    expect(spec.kind.schema.safeParse(spec.default).success).toBe(true);
  });

  test.each(table)("the text of the default of %s is read as the default", (_key, spec) => {
    if (spec.default === undefined) return;
    const text = Array.isArray(spec.default) ? spec.default.join(",") : JSON.stringify(spec.default);
    expect(spec.kind.fromText(text.replaceAll('"', ""))).toEqual(spec.default);
  });

  test.each(["center", "node"] as const)(
    "no two options of a %s share a variable or a flag",
    (processKind) => {
      const variables = optionsOf(processKind).flatMap(([key, spec]) => [
        ...variablesOf(key, spec),
        ...(spec.kind.input === "secret" ? fileVariablesOf(key, spec) : []),
      ]);
      expect(new Set(variables).size).toBe(variables.length);
      const flags = optionsOf(processKind).map(([key]) => flagOf(key));
      expect(new Set(flags).size).toBe(flags.length);
    },
  );

  test("the contract's variables set the options that they are for", () => {
    const contract = (processKind: "center" | "node") =>
      Object.fromEntries(
        optionsOf(processKind).flatMap(([key, spec]) => (spec.env === undefined ? [] : [[spec.env, key]])),
      );
    expect(contract("center")).toEqual({
      REGISTER_CENTER_PORT: "linkPort",
      HTTP_PORT: "httpPort",
      OTHER_REGISTER_CENTER_PORT: "otherCenters",
      TOKEN: "token",
    });
    expect(contract("node")).toEqual({ REGISTER_CENTER_PORT: "centers", PORT: "port", TOKEN: "token" });
    expect(Object.keys(options).map(variableOf)).toEqual(
      expect.arrayContaining([
        "WSC_HOST",
        "WSC_LINK_SECRET",
        "WSC_INSECURE_LINK",
        "WSC_PUBLIC_URL",
        "WSC_ALLOWED_ORIGINS",
        "WSC_ADMIN_PORT",
        "WSC_ADMIN_HOST",
        "WSC_TRUSTED_PROXIES",
      ]),
    );
  });

  test("flags follow from keys", () => {
    expect(flagOf("maxConnectionsPerAddress")).toBe("--max-connections-per-address");
    expect(offFlagOf("openMessage")).toBe("--no-open-message");
  });
});

describe("kinds of options", () => {
  test.each([
    ["1", true],
    ["TRUE", true],
    ["yes", true],
    ["on", true],
    ["0", false],
    ["false", false],
    ["no", false],
    ["off", false],
  ])("the text %s is the boolean %s", (text, value) => {
    expect(options.insecureLink.kind.fromText(text)).toBe(value);
  });

  test("text that is no number stays text, and is refused", () => {
    for (const text of ["", "0x10", "1e3", "1.5", "-1", "8 MiB", "٣"]) {
      expect(options.port.kind.schema.safeParse(options.port.kind.fromText(text)).success).toBe(false);
    }
  });

  test("lists drop empty items and the spaces around items", () => {
    expect(options.otherCenters.kind.fromText(" 8012, ,a:1,")).toEqual(["8012", "a:1"]);
    expect(options.otherCenters.kind.fromText("")).toEqual([]);
  });

  test.each([
    ["https://app.example.com", true],
    ["http://localhost:3000", true],
    ["capacitor://localhost", true],
    ["chrome-extension://abcdefgh", true],
    ["https://app.example.com/", false],
    ["https://App.example.com", false],
    ["https://app.example.com:443", false],
    ["app.example.com", false],
    ["https://*.example.com", false],
    ["*", false],
    ["null", false],
  ])("whether %s is an origin: %s", (origin, isRight) => {
    expect(options.allowedOrigins.kind.schema.safeParse([origin]).success).toBe(isRight);
  });

  test.each([
    ["wss://push.example.com/socket?a=b", true],
    ["ws://127.0.0.1:8090", true],
    ["https://push.example.com", false],
    ["wss://user:password@push.example.com", false],
    ["wss://push.example.com#part", false],
    ["push.example.com", false],
  ])("whether %s is a public URL: %s", (url, isRight) => {
    expect(options.publicUrl.kind.schema.safeParse(url).success).toBe(isRight);
  });

  test("link secrets are one or two, each of 32 bytes of UTF-8 or more", () => {
    const takes = (...secrets: string[]) => options.linkSecret.kind.schema.safeParse(secrets).success;
    const secret = "x".repeat(32);
    expect(takes(secret)).toBe(true);
    expect(takes(secret, "ä".repeat(16))).toBe(true);
    expect(takes("x".repeat(31))).toBe(false);
    expect(takes(secret, "short")).toBe(false);
    expect(takes(secret, secret, secret)).toBe(false);
    expect(takes(`${secret}\n${secret}`)).toBe(false);
  });
});

describe("the nearest name", () => {
  test("is one that differs in a third of the characters at most", () => {
    expect(nearest("prot", ["port", "host"])).toBeUndefined();
    expect(nearest("pot", ["port", "host"])).toBe("port");
    expect(nearest("callTimeoutMS", ["callTimeoutMs"])).toBe("callTimeoutMs");
    expect(nearest("heartbeatIntervallMs", ["heartbeatMs", "heartbeatIntervalMs"])).toBe(
      "heartbeatIntervalMs",
    );
    expect(nearest("", ["port"])).toBeUndefined();
  });
});
