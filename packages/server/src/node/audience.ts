import type { Sequence } from "./sequence.js";

/** What is written to: what this needs of a stream of Node.js. */
export interface ByteSink {
  write(bytes: Buffer): unknown;
  /** Bytes that the kernel has not taken yet. */
  readonly writableLength: number;
}

/** What an audience needs of a member. */
export interface Member {
  /** Its place in the audience, -1 outside of it; only the audience sets it. */
  place: number;
  readonly socket: ByteSink;
  /** Hands the frames to its socket, in as many writes as it takes. */
  write(sequence: Sequence): void;
  /** Its socket was handed the frames, and has not given all of them to the kernel. */
  wrote(sequence: Sequence): void;
}

/**
 * Those who get the same: what a tick brings for everybody is written to them without a look at any of them.
 *
 * A write touches a socket and nothing else, because with thousands of connections everything else that it would touch
 * has to be fetched from memory. So what it needs lies in lists of its own, in the order of the places, and is gone
 * through from the front, as memory is read fastest. The last of the places belong to those who wait for what will be
 * written; who no longer waits changes places with the first who does.
 */
export class Audience<Each extends Member> {
  readonly #members: Each[] = [];
  readonly #sockets: ByteSink[] = [];
  /** How many frames were written to each here. */
  readonly #frames: number[] = [];
  /** The place of the first who waits. */
  #first = 0;

  /** How many wait for what will be written. */
  get waitingCount(): number {
    return this.#members.length - this.#first;
  }

  /** Those who wait, in a list of their own. */
  get waiting(): Each[] {
    return this.#members.slice(this.#first);
  }

  /** The other members, in a list of their own. */
  get others(): Each[] {
    return this.#members.slice(0, this.#first);
  }

  /** A new member does not wait yet. */
  add(member: Each): void {
    member.place = this.#members.length;
    this.#members.push(member);
    this.#sockets.push(member.socket);
    this.#frames.push(0);
    this.excuse(member);
  }

  /** @returns how many frames were written to it here. */
  remove(member: Each): number {
    // To the end, past those who wait: the first of them gets the place of the last who does not.
    this.excuse(member);
    this.#first -= 1;
    this.#swap(member.place, this.#first);
    this.#swap(this.#first, this.#members.length - 1);
    this.#members.pop();
    this.#sockets.pop();
    member.place = -1;
    return this.#frames.pop() ?? 0;
  }

  /** How many frames were written to the member here. */
  framesTo({ place }: Each): number {
    return this.#frames[place] ?? 0;
  }

  /** All members wait from now on. */
  waitAll(): void {
    this.#first = 0;
  }

  isWaiting({ place }: Each): boolean {
    return place >= this.#first;
  }

  /** The member does not wait any more. @returns whether it did. */
  excuse(member: Each): boolean {
    if (!this.isWaiting(member)) return false;
    this.#swap(member.place, this.#first);
    this.#first += 1;
    return true;
  }

  /** Writes to all who wait. Members may come, go and be excused meanwhile: each is written to once at most. */
  write(sequence: Sequence): void {
    const [bytes, ...more] = sequence.buffers();
    if (bytes === undefined) return;
    if (more.length === 0) this.#writeBuffer(bytes, sequence);
    else while (this.waitingCount > 0) this.#members[this.#first++]?.write(sequence);
  }

  #writeBuffer(bytes: Buffer, sequence: Sequence): void {
    const { count } = sequence;
    const members = this.#members;
    const sockets = this.#sockets;
    const frames = this.#frames;
    while (this.#first < sockets.length) {
      const place = this.#first++;
      const socket = sockets[place];
      const member = members[place];
      if (socket === undefined || member === undefined) return;
      frames[place] = (frames[place] ?? 0) + count;
      socket.write(bytes);
      if (socket.writableLength > 0) member.wrote(sequence);
    }
  }

  #swap(one: number, other: number): void {
    if (one === other) return;
    swap(this.#members, one, other);
    swap(this.#sockets, one, other);
    swap(this.#frames, one, other);
    for (const place of [one, other]) {
      const member = this.#members[place];
      if (member !== undefined) member.place = place;
    }
  }
}

function swap(list: unknown[], one: number, other: number): void {
  const kept = list[one];
  list[one] = list[other];
  list[other] = kept;
}
