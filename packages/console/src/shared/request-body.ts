/** What a request carries, as it is sent. */
export interface RequestBody {
  type: "application/json" | "application/x-ndjson";
  text: string;
}

export function jsonBody(value: unknown): RequestBody {
  return { type: "application/json", text: JSON.stringify(value) };
}
