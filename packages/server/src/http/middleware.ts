import type { IncomingMessage, ServerResponse } from "node:http";

/** Goes on to what comes after; with an argument other than undefined, the request failed. */
export type Next = (error?: unknown) => void;

/** An ordinary `(req, res, next)` function of Express and Connect. A promise that it returns is watched for errors. */
export type Middleware = (req: IncomingMessage, res: ServerResponse, next: Next) => unknown;

/** Where a run of middleware leads. */
export interface MiddlewareEnd {
  /** All called `next`. */
  done: () => void;
  /** One threw, rejected, or called `next` with an error: the others are not run. */
  fail: (error: unknown) => void;
  /** One threw or rejected after it had called `next`: the request goes its way. */
  report: (error: unknown) => void;
}

/**
 * Runs `middleware` one after the other. One that calls `next` again is not heard; one that never calls it has
 * answered the request itself.
 */
export function runMiddleware(
  middleware: readonly Middleware[],
  req: IncomingMessage,
  res: ServerResponse,
  { done, fail, report }: MiddlewareEnd,
): void {
  const step = (index: number): void => {
    const current = middleware[index];
    if (current === undefined) {
      done();
      return;
    }
    let isOver = false;
    const next: Next = (error) => {
      if (isOver) return;
      isOver = true;
      if (error === undefined || error === null) step(index + 1);
      else fail(error);
    };
    const catchError = (error: unknown): void => {
      if (isOver) {
        report(error);
        return;
      }
      isOver = true;
      fail(error);
    };
    try {
      const returned = current(req, res, next);
      if (returned instanceof Promise) returned.catch(catchError);
    } catch (error) {
      catchError(error);
    }
  };
  step(0);
}
