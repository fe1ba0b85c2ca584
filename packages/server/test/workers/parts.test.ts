import { availableParallelism } from "node:os";
import { Counter, Gauge, Registry } from "prom-client";
import { describe, expect, test, vi } from "vitest";
import type { NodeOptions } from "../../src/config/options.js";
import { resolveNodeOptions } from "../../src/config/resolve.js";
import { PlainHistogram } from "../../src/histogram.js";
import { HostMetrics } from "../../src/workers/host-metrics.js";
import { HostPlaces } from "../../src/workers/host-places.js";
import type { MetricsSnapshot, WorkerMessage } from "../../src/workers/messages.js";
import { RemotePlaces } from "../../src/workers/remote-places.js";
import { workerConfigs, workerCount } from "../../src/workers/worker-configs.js";

describe("the workers' configurations", () => {
  const addresses = (options: NodeOptions, count = 2) =>
    workerConfigs(resolveNodeOptions(options), count).map(({ port, publicUrl }) => [port, publicUrl]);

  test("have ports that follow one another, 100 beyond the shared one unless told otherwise", () => {
    expect(addresses({ port: 8090 })).toEqual([
      [8190, undefined],
      [8191, undefined],
    ]);
    expect(addresses({ port: 8090, workerPort: 9000 }).map(([port]) => port)).toEqual([9000, 9001]);
    expect(addresses({ port: 0 }).map(([port]) => port)).toEqual([0, 0]);
    expect(addresses({ port: 8090, workerPort: 0 }).map(([port]) => port)).toEqual([0, 0]);
  });

  test("have public URLs with their port on the host of publicUrl, or by workerPublicUrl", () => {
    const publicUrl = "wss://node.example.com/ws?a=1";
    expect(addresses({ publicUrl }, 1)).toEqual([[8190, "wss://node.example.com:{port}/ws?a=1"]]);
    expect(addresses({ publicUrl: "wss://[::1]:9/" }, 1)).toEqual([[8190, "wss://[::1]:{port}"]]);
    const workerPublicUrl = "wss://w{worker}.example.com:{port}";
    expect(addresses({ publicUrl, workerPublicUrl }, 2).map(([, url]) => url)).toEqual([
      "wss://w1.example.com:{port}",
      "wss://w2.example.com:{port}",
    ]);
  });

  test("are refused where their ports meet others, or end", () => {
    const refused = (options: NodeOptions): unknown => {
      try {
        return addresses(options);
      } catch (error) {
        return error instanceof Error ? error.message : error;
      }
    };
    expect(refused({ port: 8090, adminPort: 8191 })).toContain(
      "8190 to 8191, have the admin port 8191 among them",
    );
    expect(refused({ port: 65_500 })).toContain("end beyond 65535");
    expect(refused({ port: 8090, workerPort: 8089 })).toContain("the client port 8090");
  });

  test("are as many as there are CPUs for `auto`", () => {
    expect(workerCount({ workers: "auto" })).toBe(availableParallelism());
    expect(workerCount({ workers: 7 })).toBe(7);
  });

  test.each([0, 257, 1.5, "some", "2"])("%s is no number of workers", (workers) => {
    expect(() => resolveNodeOptions({ workers } as NodeOptions)).toThrow(
      /a number of workers from 1 to 256, or `auto`/,
    );
  });

  test.each(["wss://node.example.com", "{port}", "wss://x:{ports}", "https://x:{port}"])(
    "%s is no address that tells workers apart",
    (workerPublicUrl) => {
      expect(() => resolveNodeOptions({ workerPublicUrl })).toThrow(
        /`\{port\}` or `\{worker\}` tells workers apart/,
      );
    },
  );
});

describe("places of a host", () => {
  test("are counted over its workers, and those of one that ended come back", () => {
    const told: boolean[] = [];
    const places = new HostPlaces<string>({ maxConnections: 3, maxConnectionsPerAddress: 2 }, (isFull) => {
      told.push(isFull);
    });
    expect(places.take("a", "10.0.0.1")).toBeUndefined();
    expect(places.take("b", "10.0.0.1")).toBeUndefined();
    expect(places.take("c", "10.0.0.1")).toMatchObject({ status: 429 });
    expect(places.take("b", "10.0.0.2")).toBeUndefined();
    expect(places.take("a", "10.0.0.3")).toMatchObject({ status: 503 });
    places.releaseAll("b");
    places.release("b", "10.0.0.1");
    expect(told).toEqual([true, false]);
    expect(places.take("c", "10.0.0.1")).toBeUndefined();
    expect(places.take("c", "10.0.0.1")).toMatchObject({ status: 429 });
    places.release("c", "10.0.0.1");
    places.release("c", "10.0.0.1");
    expect(places.take("c", "10.0.0.1")).toBeUndefined();
    expect(places.take("c", "10.0.0.1")).toMatchObject({ status: 429 });
  });

  test("that a host grants too late go back to it", async () => {
    const sent: WorkerMessage[] = [];
    const places = new RemotePlaces((message) => sent.push(message), { timeoutMs: 1 });
    expect(await places.take("10.0.0.1")).toMatchObject({ status: 503, cause: "full" });
    places.placed({ type: "placed", id: 1, refusal: undefined });
    expect(sent).toEqual([
      { type: "take", id: 1, address: "10.0.0.1" },
      { type: "release", address: "10.0.0.1" },
    ]);
  });

  test("are refused by a worker whose host is gone", async () => {
    const places = new RemotePlaces(() => undefined, { timeoutMs: 60_000 });
    const taking = places.take("10.0.0.1");
    places.end();
    expect(await taking).toMatchObject({ status: 503, cause: "draining" });
    expect(places.take("10.0.0.1")).toMatchObject({ status: 503, cause: "draining" });
  });
});

describe("metrics of a host", () => {
  function measured(number: number) {
    const registry = new Registry();
    const registers = [registry];
    const counter = new Counter({ name: "wsc_things_total", help: "x", labelNames: ["kind"], registers });
    const gauge = new Gauge({ name: "wsc_now", help: "x", registers });
    const times = new PlainHistogram(registry, "wsc_seconds", "x", [1, 2]);
    new Gauge({ name: "process_size", help: "x", aggregator: "omit", registers }).set(number);
    const ask = vi.fn((): Promise<MetricsSnapshot | undefined> => registry.getMetricsAsJSON());
    return { number, ask, counter, gauge, times };
  }
  const samples = async (metrics: HostMetrics<ReturnType<typeof measured>>): Promise<string[]> =>
    (await metrics.metrics()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));

  test("add up counters, gauges and histograms, and label those of processes", async () => {
    const workers = [measured(1), measured(2)];
    for (const { number, counter, gauge, times } of workers) {
      counter.inc({ kind: "a" }, number);
      gauge.set(number * 10);
      times.observe(number * 0.9);
    }
    expect(await samples(new HostMetrics(new Registry(), () => workers))).toEqual(
      expect.arrayContaining([
        'wsc_things_total{kind="a"} 3',
        "wsc_now 30",
        'wsc_seconds_bucket{le="1"} 1',
        'wsc_seconds_bucket{le="2"} 2',
        "wsc_seconds_count 2",
        'process_size{worker="1"} 1',
        'process_size{worker="2"} 2',
        "wsc_workers 2",
      ]),
    );
  });

  test("keep what was counted by a worker that ended, and what one that does not answer said last", async () => {
    const [first, second] = [measured(1), measured(2)];
    let workers = [first, second];
    const metrics = new HostMetrics(new Registry(), () => workers);
    for (const { counter, gauge, times } of workers) {
      counter.inc({ kind: "a" }, 5);
      gauge.set(7);
      times.observe(1.5);
    }
    await metrics.metrics();
    workers = [second];
    metrics.keep(first);
    second.ask.mockResolvedValue(undefined);
    for (let times = 0; times < 2; times += 1) {
      const found = await samples(metrics);
      expect(found).toContain('wsc_things_total{kind="a"} 10');
      expect(found).toContain("wsc_now 7");
      expect(found).toContain("wsc_seconds_count 2");
      expect(found).not.toContain('process_size{worker="1"} 1');
    }
  });
});
