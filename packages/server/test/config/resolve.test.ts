import { describe, expect, test } from "vitest";
import type { CenterOptions, NodeOptions } from "../../src/config/options.js";
import { resolveCenterOptions, resolveNodeOptions } from "../../src/config/resolve.js";

describe("options of programs", () => {
  test("every default is filled in", () => {
    const config = resolveCenterOptions({ linkPort: 0, httpPort: undefined });
    expect(config).toMatchObject({
      host: "127.0.0.1",
      linkPort: 0,
      httpPort: 8011,
      otherCenters: [],
      maxBodyBytes: 8_388_608,
      maxHeaderBytes: 65_536,
      maxMessageBytes: 1_048_576,
      maxIdBytes: 512,
      callTimeoutMs: 5000,
    });
    expect(Object.hasOwn(config, "tlsCert")).toBe(true);
    expect(resolveNodeOptions()).toMatchObject({ port: 8090, centers: ["8010"], openMessage: true });
  });

  test("a configuration can be given as options again", () => {
    const config = resolveNodeOptions({ linkTlsCa: "ca.pem", token: ["a"] });
    expect(resolveNodeOptions(config)).toEqual(config);
  });

  test("what was given can be changed without changing the configuration", () => {
    const centers = ["8010"];
    const config = resolveNodeOptions({ centers });
    centers.push("wrong");
    expect(config.centers).toEqual(["8010"]);
  });

  test("unknown keys are refused, those that every object inherits too", () => {
    const options: object = { prt: 1, host: "::1", toString: 1 };
    expect(() => resolveNodeOptions(options as NodeOptions)).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        message: "prt is no option of a node (did you mean port?)\ntoString is no option of a node",
      }),
    );
  });

  test("wrong values are refused, and texts are not converted", () => {
    const options: object = { linkPort: "8010", insecureLink: 1, otherCenters: "8012", heartbeatMs: 1.5 };
    expect(() => resolveCenterOptions(options as CenterOptions)).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        message: [
          'linkPort is "8010": expected a port from 0 to 65535, 0 for any free one',
          'otherCenters is "8012": expected a list of `port`, `host:port` or `[IPv6]:port`, the port from 1 to 65535',
          "insecureLink is 1: expected true or false (also 1, yes, on; 0, no, off)",
          "heartbeatMs is 1.5: expected a whole number of milliseconds from 10 to 500",
        ].join("\n"),
      }),
    );
  });

  test("TLS on links is not turned off while its certificate authority is given", () => {
    expect(() => resolveNodeOptions({ linkTls: false, linkTlsCa: "ca.pem" })).toThrow(
      "linkTlsCa is set but linkTls is false: leave one of them out",
    );
  });
});
