import { canonical, isFailure, isObject } from "./http.js";
import type { Json } from "./http.js";
import type { Expected, Outcome, Place, Send } from "./model.js";

/** Says what is wrong with an answer, or undefined where the contract allows it. */
export function wrongAnswer(
  json: Json,
  expected: Expected,
  place: Place,
  nodeIds: readonly string[],
): string | undefined {
  if (expected.kind === "failure") {
    return isFailure(json) ? undefined : "the whole request had to fail";
  }
  const atNode = place !== "center";
  const keys = atNode ? ["code", "data", "extra", "msg"] : ["code", "data", "extra", "master_ids", "msg"];
  if (!isObject(json) || Object.keys(json).sort().join() !== keys.join()) {
    return `the answer had to have ${keys.join()}`;
  }
  const { code, msg, extra, data, master_ids: masterIds } = json;
  if (code !== 0 || msg !== "ok") {
    return "the answer had to be a success";
  }
  if (
    !Array.isArray(extra) ||
    extra.length !== expected.extra ||
    !extra.every((text) => typeof text === "string")
  ) {
    return `extra had to hold ${expected.extra} texts`;
  }
  if (!atNode && !sameIds(masterIds, nodeIds)) {
    return `master_ids had to be ${nodeIds.join()}`;
  }
  const names = [...expected.data.keys()];
  if (!isObject(data) || !sameIds(Object.keys(data), names)) {
    return `data had to have the keys ${JSON.stringify(names)}`;
  }
  for (const [name, outcomes] of expected.data) {
    const found = Object.entries(data).find(([key]) => key === name)?.[1] ?? null;
    if (!atNode && (!isObject(found) || !sameIds(Object.keys(found), nodeIds))) {
      return `data.${name} had to have one key a node`;
    }
    for (const [index, outcome] of outcomes.entries()) {
      const value = atNode ? found : isObject(found) ? (found[nodeIds[index] ?? ""] ?? null) : null;
      if (!allows(outcome, value)) {
        return `data.${name} at node ${atNode ? place : index} had to be ${describe(outcome)}`;
      }
    }
  }
  return undefined;
}

function sameIds(found: Json | undefined, wanted: readonly string[]): boolean {
  return (
    Array.isArray(found) &&
    found.every((item) => typeof item === "string") &&
    canonical(found.toSorted()) === canonical(wanted.toSorted())
  );
}

function allows(outcome: Outcome, value: Json): boolean {
  switch (outcome.kind) {
    case "failure":
      return isFailure(value);
    case "list":
      return sameIds(value, outcome.items);
    case "value":
      return canonical(value) === canonical(outcome.value);
  }
}

function describe(outcome: Outcome): string {
  switch (outcome.kind) {
    case "failure":
      return "a failure";
    case "list":
      return `in any order ${JSON.stringify(outcome.items)}`;
    case "value":
      return JSON.stringify(outcome.value);
  }
}

/** Whether `came` can be what `sends` brought: each connection in order, each pick at exactly one. */
export function framesFit(sends: readonly Send[], came: ReadonlyMap<string, readonly string[]>): boolean {
  const [first, ...rest] = sends;
  if (first === undefined) {
    return [...came.values()].every((texts) => texts.length === 0);
  }
  const choices = first.pick && first.to.length > 0 ? first.to.map((id) => [id]) : [first.to];
  return choices.some((ids) => {
    if (!ids.every((id) => came.get(id)?.[0] === first.text)) {
      return false;
    }
    const left = new Map([...came].map(([id, texts]) => [id, ids.includes(id) ? texts.slice(1) : texts]));
    return framesFit(rest, left);
  });
}
