import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { expect, test } from "vitest";
import { type Middleware, runMiddleware } from "../../src/http/middleware.js";

/** Where a run led, in order. */
function run(...middleware: Middleware[]): Promise<string[]> & { trace: string[] } {
  const trace: string[] = [];
  const req = new IncomingMessage(new Socket());
  runMiddleware(middleware, req, new ServerResponse(req), {
    done: () => trace.push("done"),
    fail: (error) => trace.push(`fail ${String(error)}`),
    report: (error) => trace.push(`report ${String(error)}`),
  });
  return Object.assign(new Promise<string[]>((resolve) => setImmediate(() => resolve(trace))), { trace });
}

test("each runs after the one before it called next", () => {
  const order: number[] = [];
  const first: Middleware = (_req, _res, next) => {
    order.push(1);
    next();
  };
  const second: Middleware = (_req, _res, next) => {
    order.push(2);
    next(null);
  };
  expect(run(first, second).trace).toEqual(["done"]);
  expect(order).toEqual([1, 2]);
});

test("one that does not call next ends the run", async () => {
  expect(await run(() => undefined)).toEqual([]);
});

test("an error, thrown, rejected or passed on, fails the request once", async () => {
  const never: Middleware = () => {
    throw new Error("not reached");
  };
  expect(await run((_req, _res, next) => next("e"), never)).toEqual(["fail e"]);
  expect(
    await run(() => {
      throw new TypeError("t");
    }, never),
  ).toEqual(["fail TypeError: t"]);
  expect(await run(() => Promise.reject(new Error("r")), never)).toEqual(["fail Error: r"]);
});

test("what comes after next is reported, and a second next is not heard", async () => {
  const late: Middleware = async (_req, _res, next) => {
    next();
    next();
    await Promise.reject(new Error("late"));
  };
  expect(await run(late)).toEqual(["done", "report Error: late"]);
});
