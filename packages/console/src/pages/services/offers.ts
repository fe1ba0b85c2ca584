import type { ServiceEntry } from "../../api/services.ts";
import type { ServiceInfo } from "@websocket-center/protocol";

/** A service with all the nodes that offer it alike. */
export interface Offer {
  name: string;
  metadata: Readonly<Record<string, unknown>>;
  methods: ServiceInfo["methods"];
  nodeIds: string[];
}

/** Nodes that declare a service differently, as during a release, stand apart. */
export function offersOf(entries: readonly ServiceEntry[]): Offer[] {
  const offers = new Map<string, Offer>();
  for (const { name, metadata, methods, nodeId } of entries) {
    const key = JSON.stringify([name, metadata, methods]);
    const offer = offers.get(key);
    if (offer === undefined) offers.set(key, { name, metadata, methods, nodeIds: [nodeId] });
    else offer.nodeIds.push(nodeId);
  }
  return [...offers.values()];
}

/** Those offers and methods whose name holds the text; an offer whose own name does has all of its methods. */
export function filterOffers(offers: readonly Offer[], text: string): Offer[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return [...offers];
  return offers
    .map((offer) => {
      if (offer.name.toLowerCase().includes(wanted)) return offer;
      return { ...offer, methods: offer.methods.filter(({ name }) => name.toLowerCase().includes(wanted)) };
    })
    .filter(({ methods }) => methods.length > 0);
}

interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  required?: string[];
  type?: string;
  items?: JsonSchema;
  default?: unknown;
  enum?: unknown[];
}

/** Something to begin with: every parameter that must be given, empty. */
export function exampleOf(schema: unknown): unknown {
  if (typeof schema !== "object" || schema === null) return {};
  const { properties, required = [], type, default: given, enum: choices } = schema as JsonSchema;
  if (given !== undefined) return given;
  if (choices?.[0] !== undefined) return choices[0];
  if (properties !== undefined)
    return Object.fromEntries(required.map((name) => [name, exampleOf(properties[name])]));
  switch (type) {
    case "array":
      return [];
    case "number":
    case "integer":
      return 0;
    case "boolean":
      return false;
    case "object":
      return {};
    default:
      return "";
  }
}
