import { useLocation, useSearch } from "wouter";

/** The query of the page's address, and a way to change some of it; what is empty is taken out. */
export function useQueryParams(): [
  URLSearchParams,
  (changes: Readonly<Record<string, string | undefined>>) => void,
] {
  const [path, navigate] = useLocation();
  const params = new URLSearchParams(useSearch());
  const change = (changes: Readonly<Record<string, string | undefined>>): void => {
    const changed = new URLSearchParams(params);
    for (const [name, value] of Object.entries(changes)) {
      if (value === undefined || value === "") changed.delete(name);
      else changed.set(name, value);
    }
    const query = changed.toString();
    navigate(query === "" ? path : `${path}?${query}`, { replace: true });
  };
  return [params, change];
}
