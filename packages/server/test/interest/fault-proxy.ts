import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A way to a port on this machine that misbehaves when it is told to, as networks do. */
export class FaultProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Bytes wait so long at least, each way. */
  #delayMs = { there: 0, back: 0 };
  /** Nothing passes that way, and nobody hears why. */
  #isFrozen = { there: false, back: false };
  readonly #onThaw = new Set<() => void>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(target: number): Promise<FaultProxy> {
    const server = createServer();
    const proxy = new FaultProxy(server);
    server.on("connection", (near) => {
      const far = connect(target, "127.0.0.1");
      proxy.#pass(near, far, "there");
      proxy.#pass(far, near, "back");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  delay(ways: readonly ("there" | "back")[], ms: number): void {
    for (const way of ways) this.#delayMs[way] = ms;
  }

  freeze(ways: readonly ("there" | "back")[]): void {
    for (const way of ways) this.#isFrozen[way] = true;
  }

  /** Everything passes again; what was held does now. */
  heal(): void {
    this.#delayMs = { there: 0, back: 0 };
    this.#isFrozen = { there: false, back: false };
    for (const look of this.#onThaw) look();
  }

  /** Ends what passes now, at both ends. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, "close");
  }

  #pass(from: Socket, to: Socket, way: "there" | "back"): void {
    const held: { data: Buffer; passesAt: number }[] = [];
    let timer: NodeJS.Timeout | undefined;
    const look = (): void => {
      clearTimeout(timer);
      while (!this.#isFrozen[way]) {
        const [next] = held;
        if (next === undefined) return;
        const waitMs = next.passesAt - performance.now();
        if (waitMs > 0 && this.#delayMs[way] > 0) {
          timer = setTimeout(look, Math.ceil(waitMs));
          return;
        }
        held.shift();
        to.write(next.data);
      }
    };
    this.#onThaw.add(look);
    this.#sockets.add(from);
    from.on("data", (data: Buffer) => {
      held.push({ data, passesAt: performance.now() + this.#delayMs[way] });
      look();
    });
    from.on("error", () => from.destroy());
    from.on("close", () => {
      clearTimeout(timer);
      this.#onThaw.delete(look);
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}
