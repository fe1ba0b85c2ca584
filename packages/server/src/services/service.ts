import { HUB_SERVICE, type Scope, type ServiceInfo, serviceInfo } from "@websocket-center/protocol";
import { z } from "zod";
import { CenterError } from "../errors.js";
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
export function declareService({ name, metadata = {}, methods }: Service): RegisteredService {
  if (name === HUB_SERVICE) throw invalid(name, "the name is that of the hub");
  const plainMetadata = asJson(metadata);
  if (JSON.stringify(plainMetadata).length > MAX_METADATA_BYTES) {
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
      params: schemaOf(params),
      result: schemaOf(result),
    })),
  });
  if (!checked.success) {
    const issue = checked.error.issues[0];
    throw invalid(name, `${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
  }
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
  const { params, result, handler, maxConcurrent = 1 } = declared;
  const fail = (problem: string): CenterError => invalid(name, `methods.${methodName}: ${problem}`);
  if (!isSchema(params)) throw fail("params: expected a zod schema");
  if (!isSchema(result)) throw fail("result: expected a zod schema");
  if (typeof handler !== "function") throw fail("handler: expected a function");
  if (!Number.isInteger(maxConcurrent) || maxConcurrent < 1) {
    throw fail("maxConcurrent: expected a whole number, 1 or more");
  }
}

function isSchema(value: unknown): boolean {
  return typeof value === "object" && value !== null && "safeParseAsync" in value;
}

function schemaOf(schema: z.ZodType): unknown {
  return asJson(z.toJSONSchema(schema, { unrepresentable: "any" }));
}

function invalid(name: string, problem: string): CenterError {
  return new CenterError("INVALID_PARAMS", `service ${name}: ${problem}`);
}
