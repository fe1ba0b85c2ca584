import { useSyncExternalStore } from "react";

/*
 * Where one is, path and query, stands behind the `#` of the address: so the page works behind any prefix, a reload asks
 * the server for nothing new, and what one searched for can be linked. (wouter's own hash location keeps the query before
 * the `#`, where it outlives the page that it was for.)
 */

function current(): string {
  return location.hash.replace(/^#?\/?/, "/");
}

function subscribe(listener: () => void): () => void {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
}

function pathOf(place: string): string {
  const question = place.indexOf("?");
  return question === -1 ? place : place.slice(0, question);
}

function queryOf(place: string): string {
  const question = place.indexOf("?");
  return question === -1 ? "" : place.slice(question + 1);
}

function navigate(to: string, { replace = false }: { replace?: boolean } = {}): void {
  const address = `#${to}`;
  if (replace) {
    history.replaceState(null, "", address);
    dispatchEvent(new HashChangeEvent("hashchange"));
  } else {
    location.hash = address;
  }
}

/** For wouter's `hook`. */
export function useHashPath(): [string, typeof navigate] {
  return [pathOf(useSyncExternalStore(subscribe, current)), navigate];
}
useHashPath.hrefs = (to: string): string => `#${to}`;

/** For wouter's `searchHook`. */
export function useHashQuery(): string {
  return queryOf(useSyncExternalStore(subscribe, current));
}

/**
 * The last part of the path, as it was before `encodeURIComponent`: ids may hold anything. wouter's own parameters are
 * decoded by `decodeURI`, after which nobody can tell an escaped `%` from an escape.
 */
export function usePathId(): string {
  const path = pathOf(useSyncExternalStore(subscribe, current));
  const segment = path.slice(path.lastIndexOf("/") + 1);
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
