import { readFileSync } from "node:fs";
import { failure } from "./golden-differences.js";
import type { Difference } from "./golden-differences.js";
import { canonical, isFailure, isObject } from "./http.js";
import type { Json } from "./http.js";

interface GoldenCase {
  readonly name: string;
  readonly request: {
    readonly port: number;
    readonly method: string;
    readonly path: string;
    readonly body?: Json;
  };
  readonly response: { readonly status: number; readonly json: { readonly [key: string]: Json } };
  readonly frames: { readonly [client: string]: readonly string[] };
}

interface GoldenFile {
  readonly sections: {
    readonly open_frames: readonly {
      readonly client: string;
      readonly port: number;
      readonly openFrame: string;
    }[];
    readonly [section: string]: readonly unknown[];
  };
}

const file = JSON.parse(readFileSync(new URL("golden.json", import.meta.url), "utf8")) as GoldenFile;

export const openFrames = file.sections.open_frames;

/** Every recorded call in its order, named by section and position. */
export const cases: readonly (readonly [key: string, recorded: GoldenCase])[] = Object.entries(file.sections)
  .filter(([section]) => section !== "open_frames")
  .flatMap(([section, list]) =>
    list.map((item, index) => [`${section}/${index}`, item as GoldenCase] as const),
  );

/** What has to come; values are in the order node 1, node 2, or one alone at a node's port. */
export interface Wanted {
  /** undefined where the whole request fails. */
  readonly data: Readonly<Record<string, readonly Json[]>> | undefined;
  readonly frames: Readonly<Record<string, readonly string[]>>;
}

export function recordedWish({ request, response, frames }: GoldenCase): Wanted {
  const data = response.json["data"];
  if (response.json["code"] !== 0 || !isObject(data)) {
    return { data: undefined, frames };
  }
  const center = request.port === 8011 ? "c1" : "c2";
  const places = (value: Json): readonly Json[] => {
    const ordered =
      request.port >= 8090
        ? [value]
        : [1, 2].map((node) => (isObject(value) ? (value[`<node${node}@${center}>`] ?? null) : null));
    return ordered.map((item) => (isFailure(item) ? failure : item));
  };
  return {
    data: Object.fromEntries(Object.entries(data).map(([event, value]) => [event, places(value)])),
    frames,
  };
}

export function wish(recorded: GoldenCase, difference: Difference | undefined): Wanted {
  const wanted = recordedWish(recorded);
  if (difference === undefined) {
    return wanted;
  }
  return {
    data: difference.wholeFailure === true ? undefined : (difference.data ?? wanted.data),
    frames: difference.frames ?? wanted.frames,
  };
}

/** One text for wishes that the contract holds for equal: lists of ids have no order. */
export function comparable({ data, frames }: Wanted): string {
  const unordered = (value: Json): Json =>
    Array.isArray(value) && value.every((item) => typeof item === "string") ? value.toSorted() : value;
  const values = Object.entries(data ?? {}).map(([event, places]): [string, Json] => [
    event,
    places.map(unordered),
  ]);
  return canonical({
    data: data === undefined ? "whole failure" : Object.fromEntries(values),
    frames: Object.fromEntries(
      Object.entries(frames).map(([client, texts]): [string, Json] => [client, [...texts]]),
    ),
  });
}
