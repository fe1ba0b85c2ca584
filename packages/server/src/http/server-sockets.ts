import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

interface Exchange {
  req: IncomingMessage;
  res: ServerResponse;
}

/** The connections of an HTTP server and the requests that run on them, so that it can be closed in order. */
export class ServerSockets {
  readonly #server: Server;
  /** Every TCP socket, below TLS where there is TLS. */
  readonly #raw = new Set<Socket>();
  /** The requests that wait for their answer, by the socket that they came on; pipelined ones in order. */
  readonly #running = new Map<Duplex, Exchange[]>();
  /** How many bytes of a socket had been read when its last answer was given. */
  readonly #answeredAt = new WeakMap<Duplex, number>();
  /** What has come of a request whose head is not whole, by socket: node:http does not give it back. */
  readonly #heads = new WeakMap<Duplex, Buffer>();
  /** Sockets with the request that came last, while its body has not been read to the end. */
  readonly #unread = new WeakMap<Duplex, IncomingMessage>();
  readonly #maxHeadBytes: number;
  #isClosing = false;

  constructor(server: Server, { maxHeadBytes }: { maxHeadBytes: number }) {
    this.#server = server;
    this.#maxHeadBytes = maxHeadBytes;
    // One listener for all: a closure for each would stay with its connection.
    const onClose = ((raw) =>
      function (this: Socket): void {
        raw.delete(this);
      })(this.#raw);
    server.on("connection", (socket: Socket) => {
      this.#raw.add(socket);
      socket.on("close", onClose);
    });
  }

  get size(): number {
    return this.#raw.size;
  }

  /** Counts a request as running until its answer has left or its connection is gone. */
  begin(req: IncomingMessage, res: ServerResponse): void {
    const { socket } = req;
    const exchange: Exchange = { req, res };
    this.#unread.set(socket, req);
    const running = this.#running.get(socket);
    if (running === undefined) {
      this.#running.set(socket, [exchange]);
      socket.once("close", () => this.#running.delete(socket));
    } else {
      running.push(exchange);
    }
    if (this.#isClosing) res.setHeader("Connection", "close");
    res.once("finish", () => {
      const current = this.#running.get(socket);
      const index = current?.indexOf(exchange) ?? -1;
      if (index !== -1) current?.splice(index, 1);
      this.#answeredAt.set(socket, socket.bytesRead);
      // Where the answer was begun before the close, it told the caller to keep the connection.
      if (this.#isClosing) setImmediate(() => this.#server.closeIdleConnections());
    });
  }

  /** That much of the connection was read, and all of it answered, before node:http got it. */
  beginAt(socket: Socket, bytes: number): void {
    this.#answeredAt.set(socket, bytes);
  }

  /**
   * Whether an answer may be written straight to the socket, past node:http: nothing of another answer is on its way
   * there, and none has to come first. A request whose body broke off is the one to be answered.
   */
  mayAnswerRaw(socket: Duplex): boolean {
    const running = this.#running.get(socket) ?? [];
    return running.length === 0 || (running.length === 1 && running.every(isUnansweredHalf));
  }

  /**
   * Keeps the beginning of requests of this connection, for `headOf`. To be called when node:http has it already.
   * @returns a function that ends it.
   */
  keepHeads(socket: Duplex): () => void {
    let isOver = false;
    const keep = (chunk: Buffer): void => {
      // An upgrade ends it in the middle of the event that is told here next.
      if (isOver) return;
      const unread = this.#unread.get(socket);
      if (unread?.complete === true) this.#unread.delete(socket);
      if (unread !== undefined || (this.#running.get(socket)?.length ?? 0) > 0) {
        this.#heads.delete(socket);
        return;
      }
      const head = this.#heads.get(socket);
      // One buffer, since a peer may send each byte in a packet of its own.
      if (head === undefined) this.#heads.set(socket, chunk);
      else if (head.length <= this.#maxHeadBytes) this.#heads.set(socket, Buffer.concat([head, chunk]));
    };
    socket.on("data", keep);
    return () => {
      isOver = true;
      socket.off("data", keep);
      this.#heads.delete(socket);
    };
  }

  /**
   * The request that `packet` is the last part of so far, from its first byte on; undefined where other things came
   * before it that are not answered, or it is not known whole.
   */
  headOf(socket: Socket, packet: Buffer): Buffer | undefined {
    if ((this.#running.get(socket)?.length ?? 0) > 0) return undefined;
    const head = Buffer.concat([this.#heads.get(socket) ?? Buffer.alloc(0), packet]);
    return socket.bytesRead - head.length === (this.#answeredAt.get(socket) ?? 0) ? head : undefined;
  }

  /** See `HttpServer.close`. */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    const ended = new Promise<void>((resolve) => {
      // It is an error to close a server that does not listen, which is as well closed.
      this.#server.close(() => resolve());
    });
    for (const running of this.#running.values()) {
      for (const { res } of running) if (!res.headersSent) res.setHeader("Connection", "close");
    }
    // Connections that never sent a byte do not count as idle to node:http.
    for (const socket of this.#raw) if (socket.bytesRead === 0) socket.destroy();
    const timer = setTimeout(() => {
      for (const socket of this.#raw) socket.destroy();
    }, graceMs);
    await ended;
    clearTimeout(timer);
    // The server waits for those alone that it accepted itself.
    for (const socket of this.#raw) socket.destroy();
  }
}

function isUnansweredHalf({ req, res }: Exchange): boolean {
  return !req.complete && !res.headersSent;
}
