import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useClient } from "../../api/console-api.tsx";

const PAGE_ITEMS = 50;
/** A page that is looked at is renewed in this time. */
const RENEW_MS = 5000;

export interface ListingPage<T> {
  items: T[];
  cursor?: string | undefined;
  failed: { nodeId: string; code: string; message: string }[];
}

export interface Listing<T> {
  page: ListingPage<T> | undefined;
  error: unknown;
  isFetching: boolean;
  refresh: () => void;
  /** Undefined where there is none. */
  next: (() => void) | undefined;
  previous: (() => void) | undefined;
}

/** Pages through a listing of the cluster. The way back is kept as the cursors of the pages before. */
export function useListing<T>(
  path: "ops/connections" | "ops/users" | "ops/groups",
  filter: Readonly<Record<string, string | undefined>>,
): Listing<T> {
  const client = useClient();
  const [cursors, setCursors] = useState<string[]>([]);
  const given = Object.entries(filter).filter(([, value]) => value !== undefined && value !== "");
  const query = new URLSearchParams(given as [string, string][]).toString();
  useEffect(() => setCursors([]), [query]);
  const cursor = cursors.at(-1);
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: [path, query, cursor],
    queryFn: ({ signal }) => {
      const params = new URLSearchParams(query);
      params.set("limit", String(PAGE_ITEMS));
      if (cursor !== undefined) params.set("cursor", cursor);
      return client.get<ListingPage<T>>(`${path}?${params}`, signal);
    },
    placeholderData: keepPreviousData,
    refetchInterval: RENEW_MS,
  });
  const nextCursor = data?.cursor;
  return {
    page: data,
    error,
    isFetching,
    refresh: () => void refetch(),
    next: nextCursor === undefined ? undefined : () => setCursors([...cursors, nextCursor]),
    previous: cursors.length === 0 ? undefined : () => setCursors(cursors.slice(0, -1)),
  };
}
