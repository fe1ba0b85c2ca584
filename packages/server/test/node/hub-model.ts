import type { Frame } from "../../src/node/frame.js";
import type { Group, HubConnection } from "../../src/node/hub.js";

/** A connection that takes every frame and only remembers it. */
export class FakeConnection implements HubConnection {
  readonly id: string;
  userId: string | undefined;
  groups: Set<Group> | undefined;
  slot = -1;
  readonly data = undefined;
  readonly frames: Frame[] = [];
  readonly closes: { code: number; reason: string }[] = [];
  isOpen = true;

  constructor(id: string) {
    this.id = id;
  }

  enqueue(frame: Frame): boolean {
    if (this.isOpen) this.frames.push(frame);
    return this.isOpen;
  }

  close(code: number, reason: string): void {
    this.closes.push({ code, reason });
  }

  get texts(): string[] {
    return this.frames.map(({ payload }) => payload.toString());
  }
}

interface Row {
  readonly id: string;
  userId: string | undefined;
  readonly groupIds: Set<string>;
}

/** What a hub is to answer, worked out from a list of connections by looking at all of them each time. */
export class HubModel {
  rows: Row[] = [];

  add(id: string): void {
    this.rows.push({ id, userId: undefined, groupIds: new Set() });
  }
  remove(id: string): void {
    this.rows = this.rows.filter((row) => row.id !== id);
  }

  of(userId: string): Row[] {
    return this.rows.filter((row) => row.userId === userId);
  }
  row(connectionId: string): Row | undefined {
    return this.rows.find(({ id }) => id === connectionId);
  }
  in(groupId: string): Row[] {
    return this.rows.filter(({ groupIds }) => groupIds.has(groupId));
  }

  userIds(): string[] {
    return distinct(this.rows.flatMap(({ userId }) => userId ?? []));
  }
  groupIds(rows: readonly (Row | undefined)[] = this.rows): string[] {
    return distinct(rows.flatMap((row) => [...(row?.groupIds ?? [])]));
  }

  bind(userId: string, connectionId: string): string {
    const row = this.row(connectionId);
    if (row === undefined) return "absent";
    if (row.userId !== undefined) return "unchanged";
    row.userId = userId;
    return "done";
  }
  unbind(rows: readonly (Row | undefined)[]): string {
    let result = "unchanged";
    for (const row of rows) {
      if (row?.userId === undefined) continue;
      row.userId = undefined;
      result = "done";
    }
    return result;
  }
  join(rows: readonly (Row | undefined)[], groupIds: readonly string[]): string {
    return each(rows, groupIds, (row, groupId) => {
      if (row.groupIds.has(groupId)) return false;
      row.groupIds.add(groupId);
      return true;
    });
  }
  leave(rows: readonly (Row | undefined)[], groupIds: readonly string[] = this.groupIds()): string {
    return each(rows, groupIds, (row, groupId) => row.groupIds.delete(groupId));
  }
}

function each(
  rows: readonly (Row | undefined)[],
  groupIds: readonly string[],
  change: (row: Row, groupId: string) => boolean,
): string {
  const here = rows.filter((row) => row !== undefined);
  if (here.length === 0) return "absent";
  let result = "unchanged";
  for (const row of here) {
    for (const groupId of groupIds) if (change(row, groupId)) result = "done";
  }
  return result;
}

export function distinct(values: readonly string[]): string[] {
  return [...new Set(values)];
}
