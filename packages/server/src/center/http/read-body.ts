import type { z } from "zod";
import { CenterError } from "../../errors.js";
import type { RouteRequest } from "../../http/routes.js";
import { describeIssue } from "../../rpc/check-command.js";

/** @throws CenterError INVALID_PARAMS where the body is not what the endpoint takes. */
export function readBody<T>(schema: z.ZodType<T>, { body }: RouteRequest): T {
  const checked = schema.safeParse(body);
  if (checked.success) return checked.data;
  throw new CenterError("INVALID_PARAMS", `the body: ${describeIssue(checked.error.issues[0])}`);
}
