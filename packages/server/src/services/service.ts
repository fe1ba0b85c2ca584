import {
  HUB_SERVICE,
  type Scope,
  type ServiceInfo,
  serviceInfo,
  utf8Length,
} from "@websocket-center/protocol";
import { z } from "zod";
import { CenterError, messageOf } from "../errors.js";
import { describeIssue } from "../rpc/check-command.js";
import { asJson } from "../rpc/json.js";

/** How many calls of a method run at once, unless it says otherwise. */
const DEFAULT_MAX_CONCURRENT = 100;
const MAX_METADATA_BYTES = 64 * 1024;

export interface MethodContext {
  /** Aborted when nobody waits for the result any more: the deadline passed, or the caller went away. */
  signal: AbortSignal;
}

/** A method of a service. Parameters and result are JSON values, checked against their schemas. */
export interface Method<P extends z.ZodType = z.ZodType, R extends z.ZodType = z.ZodType> {
  params: P;
  result: R;
  handler(this: void, params: z.output<P>, context: MethodContext): z.input<R> | Promise<z.input<R>>;
  /** Calls of it that may run at once on this node; more are refused as METHOD_BUSY. Default 100. */
  maxConcurrent?: number;
  /** What a token must allow for it over HTTP. Default `manage`. */
  scope?: Scope;
  /** For people. */
  doc?: string;
}

/** Declares a method, and gives its handler the types of the schemas. */
export function method<P extends z.ZodType, R extends z.ZodType>(declared: Method<P, R>): Method {
  return declared;
}

/** A service that a node offers, beside its hub. */
export interface Service {
  name: string;
  /** A JSON object, by which callers find the service. */
  metadata?: Record<string, unknown>;
  methods: Record<string, Method>;
}

/** A checked service, and how many calls of each method run. */
export interface RegisteredService {
  info: ServiceInfo;
  methods: ReadonlyMap<string, { declared: Method; maxConcurrent: number; running: number }>;
}

/** @throws CenterError INVALID_PARAMS where the declaration is not what a service is. */
export function declareService(service: Service): RegisteredService {
  if (!isObject(service)) throw invalid("", "expected { name, metadata, methods }");
  const { name, metadata = {}, methods } = service;
  if (name === HUB_SERVICE) throw invalid(name, "the name is that of the hub");
  if (!isObject(methods)) throw invalid(name, "methods: expected an object of methods");
  const plainMetadata = plain(name, "metadata", () => metadata);
  if (utf8Length(JSON.stringify(plainMetadata)) > MAX_METADATA_BYTES) {
    throw invalid(name, `the metadata is larger than ${MAX_METADATA_BYTES} bytes`);
  }
  const entries = Object.entries(methods);
  for (const [methodName, declared] of entries) checkMethod(name, methodName, declared);
  const checked = serviceInfo.safeParse({
    name,
    metadata: plainMetadata,
    methods: entries.map(([methodName, { params, result, doc = "", scope = "manage" }]) => ({
      name: methodName,
      doc,
      scope,
      params: plain(name, `methods.${methodName}: params`, () => paramsSchema(params)),
      result: plain(name, `methods.${methodName}: result`, () => resultSchema(result)),
    })),
  });
  if (!checked.success) throw invalid(name, describeIssue(checked.error.issues[0]));
  return {
    info: checked.data,
    methods: new Map(
      entries.map(([methodName, declared]) => [
        methodName,
        { declared, maxConcurrent: declared.maxConcurrent ?? DEFAULT_MAX_CONCURRENT, running: 0 },
      ]),
    ),
  };
}

/** For callers without types: what is not checked here would fail at the first call. */
function checkMethod(name: string, methodName: string, declared: Partial<Method>): void {
  const fail = (problem: string): CenterError => invalid(name, `methods.${methodName}: ${problem}`);
  if (!isObject(declared)) throw fail("expected what method() returns");
  const { params, result, handler, maxConcurrent = 1 } = declared;
  if (!isSchema(params)) throw fail("params: expected a schema of zod 4");
  if (!isSchema(result)) throw fail("result: expected a schema of zod 4");
  if (typeof handler !== "function") throw fail("handler: expected a function");
  if (!Number.isInteger(maxConcurrent) || maxConcurrent < 1) {
    throw fail("maxConcurrent: expected a whole number, 1 or more");
  }
}

function isSchema(value: unknown): boolean {
  return isObject(value) && "safeParseAsync" in value && "_zod" in value;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** The JSON Schema of what callers send: what has a default may be left out. */
export function paramsSchema(schema: z.ZodType): unknown {
  return z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
}

/** The JSON Schema of what callers get. */
export function resultSchema(schema: z.ZodType): unknown {
  return z.toJSONSchema(schema, { io: "output", unrepresentable: "any" });
}

/** @throws CenterError INVALID_PARAMS that names the place. */
function plain(name: string, place: string, make: () => unknown): unknown {
  try {
    return asJson(make());
  } catch (error) {
    throw invalid(name, `${place}: ${messageOf(error)}`);
  }
}

function invalid(name: string, problem: string): CenterError {
  return new CenterError("INVALID_PARAMS", `service ${name}: ${problem}`);
}
