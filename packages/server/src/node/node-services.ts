import { OPERATIONS_SERVICE, type ServiceInfo } from "@websocket-center/protocol";
import { CenterError, messageOf } from "../errors.js";
import { describeIssue } from "../rpc/check-command.js";
import { asJson } from "../rpc/json.js";
import { encodeLinkFrame } from "../wire/codec.js";
import { declareService, type Method, type RegisteredService, type Service } from "../services/service.js";

/** As many as fit a frame. */
const MAX_SERVICES = 1000;

/** The services of a node, beside its hub. Only declared methods can be called, by whoever a center lets. */
export class NodeServices {
  readonly #services = new Map<string, RegisteredService>();
  readonly #maxBytes: number;
  /** Of what centers are told. */
  #bytes = 0;
  readonly #onChange: () => void;
  readonly #onFault: (stage: string, error: unknown) => void;

  /** @param options.maxBytes - that what centers are told may have. */
  constructor(options: {
    maxBytes: number;
    onChange: () => void;
    onFault: (stage: string, error: unknown) => void;
  }) {
    this.#maxBytes = options.maxBytes;
    this.#onChange = options.onChange;
    this.#onFault = options.onFault;
  }

  /**
   * Offers a service. All centers hear of it at once, those that link later too.
   * @returns a function that takes it away again.
   * @throws CenterError INVALID_PARAMS where the declaration is wrong, the node has a service of that name, or has more
   *   of them than centers can be told.
   */
  register(service: Service): () => void {
    const registered = declareService(service);
    const { name } = service;
    if (name === OPERATIONS_SERVICE) throw new CenterError("INVALID_PARAMS", `the name ${name} is taken`);
    if (this.#services.has(name))
      throw new CenterError("INVALID_PARAMS", `this node has a service ${name} already`);
    if (this.#services.size >= MAX_SERVICES)
      throw new CenterError("INVALID_PARAMS", `a node has ${MAX_SERVICES} services at most`);
    const bytes = encodeLinkFrame(["services", [registered.info]]).length;
    if (this.#bytes + bytes > this.#maxBytes) {
      const text = `with ${name}, what centers are told of the services has ${this.#bytes + bytes} bytes, over ${this.#maxBytes}`;
      throw new CenterError("INVALID_PARAMS", text);
    }
    this.#services.set(name, registered);
    this.#bytes += bytes;
    this.#onChange();
    return () => {
      if (this.#services.get(name) !== registered) return;
      this.#services.delete(name);
      this.#bytes -= bytes;
      this.#onChange();
    };
  }

  /** What centers are told. */
  infos(): ServiceInfo[] {
    return Array.from(this.#services.values(), ({ info }) => info);
  }

  has(name: string): boolean {
    return this.#services.has(name);
  }

  /**
   * Runs a method, for as long as `signal` lets it: then its place is free again, whatever the method does.
   * @throws CenterError UNKNOWN_SERVICE, UNKNOWN_METHOD, INVALID_PARAMS, METHOD_BUSY, METHOD_FAILED, INVALID_RESULT
   *   or NODE_TIMEOUT.
   */
  async invoke(
    serviceName: string,
    methodName: string,
    params: unknown,
    signal: AbortSignal,
  ): Promise<unknown> {
    const service = this.#services.get(serviceName);
    if (service === undefined)
      throw new CenterError("UNKNOWN_SERVICE", `this node has no service ${serviceName}`);
    const method = service.methods.get(methodName);
    const where = `${serviceName}.${methodName}`;
    if (method === undefined)
      throw new CenterError("UNKNOWN_METHOD", `${serviceName} declares no method ${methodName}`);
    if (method.running >= method.maxConcurrent) {
      throw new CenterError("METHOD_BUSY", `${method.running} calls of ${where} run already`);
    }
    method.running += 1;
    try {
      return await Promise.race([this.#run(where, method.declared, params, signal), aborted(where, signal)]);
    } finally {
      method.running -= 1;
    }
  }

  /** The schemas are the application's code as much as the handler: they may throw, hang, or take their time. */
  async #run(
    where: string,
    { params: expected, handler, result: allowed }: Method,
    params: unknown,
    signal: AbortSignal,
  ): Promise<unknown> {
    const checked = await this.#guarded(where, signal, () => expected.safeParseAsync(params));
    if (!checked.success)
      throw new CenterError("INVALID_PARAMS", `${where}: ${describeIssue(checked.error.issues[0])}`);
    // Nobody waits any more, and the handler has not begun.
    signal.throwIfAborted();
    const returned = await this.#guarded(where, signal, () => handler(checked.data, { signal }));
    const result = await this.#guarded(where, signal, () => allowed.safeParseAsync(returned));
    if (!result.success)
      throw new CenterError("INVALID_RESULT", `${where}: ${describeIssue(result.error.issues[0])}`);
    return toJson(where, result.data);
  }

  /** @throws CenterError METHOD_FAILED for whatever the application's code throws. */
  async #guarded<T>(where: string, signal: AbortSignal, step: () => T | Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      if (!signal.aborted) this.#onFault(`method ${where}`, error);
      throw new CenterError("METHOD_FAILED", `${where}: ${messageOf(error)}`, { cause: error });
    }
  }
}

function toJson(where: string, value: unknown): unknown {
  try {
    return asJson(value);
  } catch (error) {
    throw new CenterError("INVALID_RESULT", `${where}: ${messageOf(error)}`, { cause: error });
  }
}

/** Rejects when the signal aborts. */
function aborted(where: string, signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = (): void => reject(new CenterError("NODE_TIMEOUT", `${where} gave no result in time`));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}
