import { Validator } from "@seriousme/openapi-schema-validator";
import { classicEvents, commands } from "@websocket-center/protocol";
import { expect, test } from "vitest";
import { startCenter } from "../../services/cluster.js";

interface Document {
  openapi: string;
  paths: Record<string, object>;
}

async function documentOf(options = {}): Promise<{ document: Document; response: Response }> {
  const center = await startCenter(options);
  const response = await fetch(`http://${center.addresses.http}/openapi.json`);
  return { document: (await response.json()) as Document, response };
}

test("the document is OpenAPI 3.1, whole, and anybody may read it", async () => {
  const { document, response } = await documentOf({ token: ["secret"] });
  expect(response.status).toBe(200);
  expect(response.headers.get("access-control-allow-origin")).toBe("*");
  expect(document.openapi).toBe("3.1.0");
  const validated = await new Validator({ strict: false }).validate({ ...document });
  expect(validated.errors ?? []).toEqual([]);
  expect(validated.valid).toBe(true);
});

test("every reference in the document leads somewhere", async () => {
  const { document } = await documentOf();
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#([^"]+)"/g)].map(
    ([, place = ""]) => place,
  );
  expect(references.length).toBeGreaterThan(0);
  for (const place of new Set(references)) {
    const found = place
      .split("/")
      .slice(1)
      .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);
    expect(found, place).toBeDefined();
  }
});

test("every command and event of the tables is in the document", async () => {
  const { document } = await documentOf();
  for (const name of Object.keys(commands))
    expect(document.paths).toHaveProperty([`/services/websocket/${name}`]);
  const classic = JSON.stringify(document.paths["/"]);
  for (const name of Object.keys(classicEvents)) expect(classic).toContain(`"${name}"`);
});
