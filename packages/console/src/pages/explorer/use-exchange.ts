import { useState } from "react";
import { useConsoleApi } from "../../api/console-api.tsx";
import type { HttpCall } from "./classic-call.ts";

/** What came back, as it came. */
export interface RawResponse {
  status: number;
  statusText: string;
  headers: [string, string][];
  text: string;
  ms: number;
}

export interface Exchange {
  isUnderWay: boolean;
  response: RawResponse | undefined;
  failure: unknown;
  run: (call: HttpCall) => Promise<void>;
}

/** Sends a request as it stands, to the center that it names and no other. */
export function useExchange(): Exchange {
  const { session } = useConsoleApi();
  const [isUnderWay, setUnderWay] = useState(false);
  const [response, setResponse] = useState<RawResponse>();
  const [failure, setFailure] = useState<unknown>();
  const run = async ({ method, url, body }: HttpCall): Promise<void> => {
    setUnderWay(true);
    setFailure(undefined);
    setResponse(undefined);
    const startedAt = performance.now();
    try {
      const answer = await fetch(url, {
        method,
        credentials: "omit",
        cache: "no-store",
        headers: {
          ...(session.token === "" ? {} : { Authorization: `Bearer ${session.token}` }),
          ...(body === undefined ? {} : { "Content-Type": body.type }),
        },
        ...(body === undefined ? {} : { body: body.text }),
      });
      const text = await answer.text();
      const { status, statusText, headers } = answer;
      setResponse({ status, statusText, headers: [...headers], text, ms: performance.now() - startedAt });
    } catch (error) {
      setFailure(error);
    } finally {
      setUnderWay(false);
    }
  };
  return { isUnderWay, response, failure, run };
}
