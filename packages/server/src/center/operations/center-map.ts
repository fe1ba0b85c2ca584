import type { CenterAbout, NodeVitals, OpsCenter } from "@websocket-center/protocol";

/** What one node says of the centers that it shall be linked to. */
export interface TellingNode {
  nodeId: string;
  /** Null where its release does not tell. */
  centers: NodeVitals["centers"] | null;
  /** The ids of those that it is linked to, where it tells nothing more. */
  centerIds: readonly string[];
}

interface Entry {
  id: string | undefined;
  about: CenterAbout | undefined;
  addresses: Set<string>;
  linked: Set<string>;
  lost: Set<string>;
}

/**
 * The centers of the cluster, put together from what nodes say: this one first.
 *
 * One that a node is linked to is known by its id. A lost one is that with the id that it had, else the only one that
 * others reach at its address, else one of its own.
 */
export function centerMap(
  own: { about: CenterAbout; address: string },
  nodes: readonly TellingNode[],
): OpsCenter[] {
  const byId = new Map<string, Entry>();
  const unreached = new Map<string, Entry>();
  const ownEntry = entryOf(byId, own.about.id, own.about.id);
  ownEntry.about = own.about;
  ownEntry.addresses.add(own.address);
  for (const { nodeId, centers, centerIds } of nodes) {
    ownEntry.linked.add(nodeId);
    for (const id of centers === null ? centerIds : []) entryOf(byId, id, id).linked.add(nodeId);
    for (const { address, linked, centerId, about } of centers ?? []) {
      if (!linked || centerId === undefined) continue;
      const entry = entryOf(byId, centerId, centerId);
      entry.linked.add(nodeId);
      entry.addresses.add(address);
      if (about?.id === centerId) entry.about ??= about;
    }
  }
  for (const { nodeId, centers } of nodes) {
    for (const { address, linked, centerId, about } of centers ?? []) {
      if (linked) continue;
      const known = centerId ?? about?.id;
      const entry =
        (known === undefined ? undefined : byId.get(known)) ??
        onlyOneAt(byId, address) ??
        entryOf(unreached, address, undefined);
      entry.addresses.add(address);
      if (entry.id === undefined) entry.about ??= about;
      if (!entry.linked.has(nodeId)) entry.lost.add(nodeId);
    }
  }
  return [...byId.values(), ...unreached.values()].map(shown);
}

function entryOf(entries: Map<string, Entry>, key: string, id: string | undefined): Entry {
  let entry = entries.get(key);
  if (entry === undefined) {
    entry = { id, about: undefined, addresses: new Set(), linked: new Set(), lost: new Set() };
    entries.set(key, entry);
  }
  return entry;
}

function onlyOneAt(byId: ReadonlyMap<string, Entry>, address: string): Entry | undefined {
  const found = [...byId.values()].filter(({ addresses }) => addresses.has(address));
  return found.length === 1 ? found[0] : undefined;
}

function shown({ id, about, addresses, linked, lost }: Entry): OpsCenter {
  return {
    ...(id === undefined ? {} : { id }),
    ...(about === undefined ? {} : { about }),
    addresses: [...addresses],
    linkedNodeIds: [...linked],
    lostNodeIds: [...lost],
  };
}
