import type { Backplane, Member } from "../../src/backplane/backplane.js";

export type Seen =
  | { type: "joined"; member: Member }
  | { type: "left"; member: Member; reason: string }
  | { type: "frame"; member: Member; bytes: Buffer };

/** Hears everything that a backplane says, in order. */
export class Recorder {
  readonly seen: Seen[] = [];
  /** Runs for each frame after it was recorded. */
  onFrame: (member: Member, bytes: Buffer) => void = () => {};
  readonly #waiting = new Set<() => void>();

  constructor(backplane: Backplane) {
    backplane.onMember((change) => this.#add(change));
    backplane.onFrame((member, frame) => {
      const bytes = Buffer.from(frame);
      this.#add({ type: "frame", member, bytes });
      this.onFrame(member, bytes);
    });
  }

  /** Resolves once `find` finds something in what was seen; it is asked again after each event. */
  until<T>(find: (seen: readonly Seen[]) => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = find(this.seen);
        if (found === undefined) return;
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** The members that joined with that id, or at all. */
  joined(id?: string): Member[] {
    return this.seen
      .filter((event) => event.type === "joined" && (id === undefined || event.member.id === id))
      .map(({ member }) => member);
  }

  frames(member?: Member): Buffer[] {
    return this.seen.flatMap((event) =>
      event.type === "frame" && (member === undefined || event.member === member) ? [event.bytes] : [],
    );
  }

  /** The member that joins as the `count`th one with that id. */
  untilJoined(id: string, count = 1): Promise<Member> {
    return this.until(() => this.joined(id)[count - 1]);
  }

  untilFrames(count: number, member?: Member): Promise<Buffer[]> {
    return this.until(() => {
      const frames = this.frames(member);
      return frames.length >= count ? frames : undefined;
    });
  }

  /** Resolves with the reason. */
  untilLeft(member: Member): Promise<string> {
    return this.until((seen) => {
      const left = seen.find((event) => event.type === "left" && event.member === member);
      return left?.type === "left" ? left.reason : undefined;
    });
  }

  #add(event: Seen): void {
    this.seen.push(event);
    for (const look of [...this.#waiting]) look();
  }
}
