import type { Backplane, Member, MemberChange, Sent } from "./backplane.js";
import type { LinkSocket } from "./link-socket.js";
import { Members } from "./members.js";

/** What both ends of the `websocket` backplane have in common: members, each with the socket of its link. */
export abstract class LinkBackplane implements Backplane {
  readonly #members = new Members();
  readonly #links = new Map<Member, LinkSocket>();

  members(): Iterable<Member> {
    return this.#members.all();
  }

  onMember(listener: (change: MemberChange) => void): () => void {
    return this.#members.onMember(listener);
  }

  onFrame(receiver: (member: Member, frame: Uint8Array) => void): void {
    this.#members.onFrame(receiver);
  }

  send(member: Member, frame: Uint8Array, sent?: Sent): void {
    const link = this.#links.get(member);
    if (link === undefined) sent?.(false);
    else link.send(frame, sent);
  }

  sendAll(frame: Uint8Array): void {
    for (const link of this.#links.values()) link.send(frame);
  }

  pressure(member: Member): number {
    return this.#links.get(member)?.queuedBytes ?? 0;
  }

  end(member: Member, reason: string): void {
    this.#links.get(member)?.terminate(reason);
  }

  abstract close(): Promise<void>;

  protected memberOf(id: string): Member | undefined {
    return this.#members.get(id);
  }

  /** Makes the peer of a link whose both ends have proven themselves a member. `onLeft` hears of its end first. */
  protected join(member: Member, link: LinkSocket, onLeft: (reason: string) => void = () => {}): void {
    this.#links.set(member, link);
    link.onFrame = (frame) => this.#members.receive(member, frame);
    link.onClose = (reason) => {
      this.#links.delete(member);
      onLeft(reason);
      this.#members.leave(member, reason);
    };
    this.#members.join(member);
  }

  /** Ends the member's link with a close frame, behind what is queued. */
  protected async part(member: Member, code: number, reason: string): Promise<void> {
    await this.#links.get(member)?.close(code, reason);
  }

  protected async partAll(code: number, reason: string): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => link.close(code, reason)));
  }
}
