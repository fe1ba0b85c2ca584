import { failureOf } from "../answers.js";
import { type CenterClient, showUrl } from "../center-client.js";
import { ClientConnection, type Ending } from "../client-connection.js";
import { CommandFailure, EXIT_FAILED, EXIT_UNREACHABLE } from "../command-failure.js";
import { printable } from "../table.js";
import { Latencies, type Percentiles } from "./latencies.js";
import { inParallel } from "./pace.js";

/** Handshakes, and then calls, that are under way at once. */
const AT_ONCE = 64;
const BIND_AT_ONCE = 32;
/** What comes before the measurement of messages has this long. */
const LIMIT_MS = 120_000;
/** Of a message's number. */
const MAX_DIGITS = 12;

export interface ConnectingFigures {
  asked: number;
  connected: number;
  refused: number;
  /** Why the first of them was. */
  firstRefusal: string | undefined;
  seconds: number;
  perSecond: number;
  /** From dialling to the node's open frame. */
  latency: Percentiles | undefined;
}

export interface BindingFigures {
  seconds: number;
  perSecond: number;
  /** Of the call that binds the user and joins the group. */
  latency: Percentiles | undefined;
}

/** Clients of the nodes in turn, each in the end with a user and a group of its own names. */
export class BenchClients {
  /** Names of its own, so that nothing of an application is touched. */
  readonly #prefix: string;
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal;
  /** The ids of those that were let in. */
  readonly #ids: string[] = [];
  readonly #connections = new Set<ClientConnection>();
  #isClosing = false;
  #closed = 0;
  #onMessage: (data: Buffer, client: number) => void = () => {};

  constructor(settings: { prefix: string; timeoutMs: number; signal: AbortSignal }) {
    this.#prefix = settings.prefix;
    this.#timeoutMs = settings.timeoutMs;
    this.#signal = settings.signal;
  }

  get size(): number {
    return this.#ids.length;
  }

  /** Those whose connection ended although nobody here closed it. */
  get closed(): number {
    return this.#closed;
  }

  userOf(client: number): string {
    return `${this.#prefix}-user-${client}`;
  }
  get groupId(): string {
    return `${this.#prefix}-group`;
  }

  /** A message of so many bytes that says which phase and number it has. */
  messageOf(phase: string, number: number, bytes: number): string {
    return `${this.#prefix} ${phase} ${number} `.padEnd(bytes, ".");
  }

  /** Whom to tell of the messages of that phase, from now on. */
  listen(phase: string, onNumber: (number: number, client: number) => void): void {
    const head = `${this.#prefix} ${phase} `;
    this.#onMessage = (data, client) => {
      const text = data.toString("latin1", 0, head.length + MAX_DIGITS);
      if (text.startsWith(head)) onNumber(Number.parseInt(text.slice(head.length), 10), client);
    };
  }

  /**
   * Connects as many as nodes let in.
   * @throws CommandFailure where a node cannot be reached or tells no connection ids, and where nobody is let in.
   */
  async connect(urls: readonly URL[], count: number): Promise<ConnectingFigures> {
    const latencies = new Latencies();
    const startedAt = performance.now();
    let refused = 0;
    let firstRefusal: string | undefined;
    await inParallel(count, AT_ONCE, this.#isOver(), async (index) => {
      const url = urls[index % urls.length];
      if (url === undefined) return;
      const dialledAt = performance.now();
      const refusal = await this.#connectOne(url, () => latencies.add(performance.now() - dialledAt));
      if (refusal !== undefined) refused += 1;
      firstRefusal ??= refusal;
    });
    if (this.size === 0 && !this.#signal.aborted)
      throw new CommandFailure(EXIT_FAILED, `No client was let in: ${firstRefusal ?? "no reason is known"}`);
    const seconds = (performance.now() - startedAt) / 1000;
    const perSecond = this.size / seconds;
    return {
      ...{ asked: count, connected: this.size, refused, firstRefusal, seconds, perSecond },
      latency: latencies.percentiles(),
    };
  }

  /** @throws CommandFailure with the first that could not be bound. */
  async bind(center: CenterClient): Promise<BindingFigures> {
    const latencies = new Latencies();
    const startedAt = performance.now();
    await inParallel(this.size, BIND_AT_ONCE, this.#isOver(), async (index) => {
      const askedAt = performance.now();
      await this.#bindOne(center, index);
      latencies.add(performance.now() - askedAt);
    });
    const seconds = (performance.now() - startedAt) / 1000;
    return { seconds, perSecond: this.size / seconds, latency: latencies.percentiles() };
  }

  /** Ends every connection, and with it what is bound to it. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all([...this.#connections].map((connection) => connection.close()));
  }

  #isOver(): () => boolean {
    const endsAt = performance.now() + LIMIT_MS;
    return () => this.#signal.aborted || performance.now() > endsAt;
  }

  /** @returns why the node refused the client; undefined where it is in, or everything was stopped. */
  async #connectOne(url: URL, onIn: () => void): Promise<string | undefined> {
    let client: number | undefined;
    let onId: (id: string | undefined) => void = () => {};
    const opened = new Promise<string | undefined>((resolve) => {
      onId = resolve;
    });
    const connection = new ClientConnection(
      url,
      {
        onOpen: () => {},
        onOpenFrame: onId,
        onMessage: (data) => {
          if (client !== undefined) this.#onMessage(data, client);
        },
      },
      this.#timeoutMs,
    );
    this.#connections.add(connection);
    void connection.ended.then(() => {
      this.#connections.delete(connection);
      if (client !== undefined && !this.#isClosing) this.#closed += 1;
      onId(undefined);
    });
    const timer = setTimeout(() => onId(undefined), this.#timeoutMs * 2);
    const id = await opened;
    clearTimeout(timer);
    if (id !== undefined) {
      client = this.#ids.push(id) - 1;
      onIn();
      return undefined;
    }
    // What is still open told no id in time.
    const isSilent = this.#connections.has(connection);
    if (isSilent) await connection.close();
    return this.#isClosing || this.#signal.aborted
      ? undefined
      : whyRefused(url, await connection.ended, isSilent);
  }

  async #bindOne(center: CenterClient, client: number): Promise<void> {
    const events = ["bindId", "joinGroupBy_Id"];
    const connectionId = this.#ids[client] ?? "";
    const body = JSON.stringify({
      bindId: { _id: connectionId, id: this.userOf(client) },
      joinGroupBy_Id: { _id: connectionId, groupId: this.groupId },
    });
    const { answer } = await center.call(events, body);
    for (const event of events) {
      const values = Object.values(answer.data[event] ?? {});
      if (values.includes(0)) continue;
      const failure = values.map(failureOf).find((reason) => reason !== undefined);
      const reason =
        failure ??
        (values.includes(1)
          ? "the connection has a user already, as nodes give it that ask clients for tokens"
          : "no node that is linked to this center has the connection any more");
      throw new CommandFailure(EXIT_FAILED, `${showUrl(center.url)}: ${event} failed: ${reason}`);
    }
  }
}

/**
 * What a node said that let a client not in.
 * @throws CommandFailure where it says nothing that may be otherwise with the next client.
 */
function whyRefused(url: URL, ending: Ending, isSilent: boolean): string {
  const name = `${url.protocol}//${url.host}`;
  if (isSilent) {
    throw new CommandFailure(
      EXIT_FAILED,
      `${name} sent no open frame, so that nothing can be bound to its clients: is openMessage off at the node?`,
    );
  }
  switch (ending.kind) {
    case "unreachable":
      throw new CommandFailure(EXIT_UNREACHABLE, `${name} could not be reached: ${ending.reason}`);
    case "refused":
      if (ending.status !== 401)
        return `${name} refused it with ${ending.status}${ending.reason === "" ? "" : `: ${ending.reason}`}`;
      throw new CommandFailure(
        EXIT_FAILED,
        `${name} refused a client with 401: nodes that ask clients for tokens cannot be measured this way`,
      );
    case "closed":
      return `${name} closed it with ${ending.code}${ending.reason === "" ? "" : `: ${printable(ending.reason)}`}`;
  }
}
