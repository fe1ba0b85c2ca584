import type { Socket } from "node:net";
import type { Logger } from "../log.js";
import { WebSocketNode } from "../node/node.js";
import type { HostChannel, RunningMessage } from "./host-channel.js";
import type { Answers, StartMessage, WorkerLoad } from "./messages.js";
import { RemotePlaces } from "./remote-places.js";

const TELL_LOAD_MS = 100;

/** One node of a host: it has a port of its own, and gets connections of the shared one. */
export class Worker {
  readonly #channel: HostChannel;
  readonly #node: WebSocketNode;
  readonly #places: RemotePlaces | undefined;
  #told: WorkerLoad = { sockets: 0, takesClients: true };
  #telling: NodeJS.Timeout | undefined;

  constructor({ config }: StartMessage, { channel, log }: { channel: HostChannel; log: Logger }) {
    this.#channel = channel;
    const isLimited = config.maxConnections > 0 || config.maxConnectionsPerAddress > 0;
    const timeoutMs = config.handshakeTimeoutMs;
    this.#places = isLimited
      ? new RemotePlaces((message) => channel.send(message), { timeoutMs })
      : undefined;
    this.#node = new WebSocketNode(config, { log }, { places: this.#places });
    void channel.gone.then(() => this.#places?.end());
    channel.onMessage = (message) => this.#hear(message);
    channel.onConnection = (socket) => this.#take(socket);
  }

  async start(): Promise<void> {
    await this.#node.start();
    const { addresses, id, publicUrl } = this.#node;
    const port = Number(addresses.client.slice(addresses.client.lastIndexOf(":") + 1));
    this.#channel.send({ type: "listening", nodeId: id, port, publicUrl });
    this.#telling = setInterval(() => this.#tellLoad(), TELL_LOAD_MS);
  }

  drain(): Promise<void> {
    return this.#node.drain();
  }

  async stop(): Promise<void> {
    clearInterval(this.#telling);
    await this.#node.stop();
  }

  #hear(message: RunningMessage): void {
    switch (message.type) {
      case "ask":
        void this.#answer(message.id, message.about);
        break;
      case "placed":
        this.#places?.placed(message);
        break;
      case "full":
        if (this.#places !== undefined) this.#places.isFull = message.isFull;
        break;
    }
  }

  async #answer(id: number, about: keyof Answers): Promise<void> {
    const value = about === "metrics" ? await this.#node.metrics.getMetricsAsJSON() : this.#node.notReady();
    this.#channel.send({ type: "answer", id, value });
  }

  #take(socket: Socket | undefined): void {
    if (socket !== undefined) {
      // As a server's own sockets are: a client may end its side and still be answered.
      socket.allowHalfOpen = true;
      this.#node.takeConnection(socket);
    }
    this.#told = this.#node.load;
    this.#channel.send({ type: "took", load: this.#told });
  }

  #tellLoad(): void {
    const { load } = this.#node;
    if (load.sockets === this.#told.sockets && load.takesClients === this.#told.takesClients) return;
    this.#told = load;
    this.#channel.send({ type: "load", load });
  }
}
