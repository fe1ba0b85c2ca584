import type { Member, MemberChange } from "./backplane.js";

/** Who is there, and who wants to know: the part that every driver has in common. */
export class Members {
  readonly #byId = new Map<string, Member>();
  readonly #listeners = new Set<(change: MemberChange) => void>();
  #receiver: (member: Member, frame: Uint8Array) => void = () => {};

  all(): Iterable<Member> {
    return this.#byId.values();
  }

  get(id: string): Member | undefined {
    return this.#byId.get(id);
  }

  /** Whether this very link is the living one of its process. */
  has(member: Member): boolean {
    return this.#byId.get(member.id) === member;
  }

  onMember(listener: (change: MemberChange) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  onFrame(receiver: (member: Member, frame: Uint8Array) => void): void {
    this.#receiver = receiver;
  }

  join(member: Member): void {
    this.#byId.set(member.id, member);
    this.#tell({ type: "joined", member });
  }

  /** @returns false where the member had left before. */
  leave(member: Member, reason: string): boolean {
    if (!this.has(member)) return false;
    this.#byId.delete(member.id);
    this.#tell({ type: "left", member, reason });
    return true;
  }

  receive(member: Member, frame: Uint8Array): void {
    if (this.has(member)) this.#receiver(member, frame);
  }

  #tell(change: MemberChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}
