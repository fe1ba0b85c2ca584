import { readFileSync } from "node:fs";

const page = readFileSync(new URL("../../../../docs/STEERING.md", import.meta.url), "utf8");

/** The only block of docs/STEERING.md in that language. */
export function documented(language: string): string {
  const blocks = [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms"))];
  const [block] = blocks;
  if (block?.[1] === undefined || blocks.length > 1) {
    throw new Error(`docs/STEERING.md has ${blocks.length} blocks of ${language}, not one`);
  }
  return block[1];
}

export interface Vectors {
  addresses: string[];
  modulo: { id: string; closed?: string[]; address: string | null }[];
  rendezvous: { id: string; address: string }[];
}

export const vectors = JSON.parse(
  readFileSync(new URL("../../../../docs/steering-vectors.json", import.meta.url), "utf8"),
) as Vectors;
