// Fills the generated parts of the documents from the tables in the code, which must be built.
//
//   node scripts/generate-docs.mjs           writes them
//   node scripts/generate-docs.mjs --check   writes nothing; exits 1 where one is not up to date
//
// A generated part stands between `<!-- generated: NAME -->` and `<!-- /generated -->`; all else is written by hand.
import { readFile, writeFile } from "node:fs/promises";

const root = new URL("../", import.meta.url);
const server = new URL("packages/server/dist/", root);

/** What generates the parts of each document: by part name, its Markdown. */
const documents = {
  "docs/BATCH.md": batchParts,
  "docs/CONFIGURATION.md": configurationParts,
  "docs/CLASSIC-API.md": classicApiParts,
  "docs/STEERING.md": steeringParts,
};

const isCheck = process.argv.includes("--check");
for (const [path, partsOf] of Object.entries(documents)) {
  const file = new URL(path, root);
  const present = await readFile(file, "utf8");
  const wanted = fillIn(path, present, await partsOf());
  if (wanted === present) continue;
  if (isCheck) {
    console.error(`${path} is not up to date: run \`npm run docs\``);
    process.exitCode = 1;
  } else {
    await writeFile(file, wanted);
    console.log(`wrote ${path}`);
  }
}

/** The commands: a table. */
async function batchParts() {
  const { commands } = await import(new URL("packages/protocol/dist/index.js", root));
  const isOptional = (schema) => schema.safeParse(undefined).success;
  const rows = Object.entries(commands).map(([name, { params, scope, doc }]) => [
    `\`${name}\``,
    Object.entries(params.shape)
      .map(([param, schema]) => `\`${param}\`${isOptional(schema) ? "?" : ""}`)
      .join(", "),
    scope,
    doc,
  ]);
  return { commands: table(["command", "params", "scope", "answer"], rows) };
}

/** The options: a table for each group. */
async function configurationParts() {
  const { options } = await import(new URL("config/options.js", server));
  const { optionGroups } = await import(new URL("config/option-spec.js", server));
  const { showDefault } = await import(new URL("config/display.js", server));
  const names = await import(new URL("config/names.js", server));

  const row = ([key, spec]) => {
    const isSecret = spec.kind.input === "secret";
    const isOnByDefault = spec.kind.input === "flag" && spec.default === true;
    const flag = isOnByDefault
      ? names.offFlagOf(key)
      : names.flagOf(isSecret ? names.fileKeyOf(key) : key) + (spec.kind.input === "flag" ? "" : " …");
    const variables = [
      ...names.variablesOf(key, spec).toReversed(),
      ...(isSecret ? names.fileVariablesOf(key, spec).toReversed() : []),
    ];
    const process = spec.processes.length === 1 ? spec.processes[0] : "both";
    const doc = spec.kind.input === "flag" ? spec.doc : `${spec.doc}<br>*Takes ${spec.kind.allowed}.*`;
    return [
      isSecret ? `\`${key}\`,<br>\`${names.fileKeyOf(key)}\`` : `\`${key}\``,
      process,
      `\`${flag}\``,
      variables.map((name) => `\`${name}\``).join("<br>"),
      showDefault(spec),
      doc,
    ];
  };
  const tables = optionGroups.map((group) => {
    const rows = Object.entries(options).filter(([, spec]) => spec.group === group);
    const head = ["option", "process", "flag", "environment", "default", "what it does"];
    return `### ${group}\n\n${table(head, rows.map(row))}`;
  });
  return { options: tables.join("\n\n") };
}

/** The events of the classic API, with their parameters in the order in which they count by position. */
async function classicApiParts() {
  const { classicEvents } = await import(new URL("packages/protocol/dist/index.js", root));
  const kinds = {
    id: "id",
    optionalId: 'id = ""',
    optionalConnectionId: 'id = ""',
    groupList: "groups",
    message: "message",
    idList: "list = []",
    reason: 'text = ""',
  };
  const rows = Object.entries(classicEvents).map(([name, { params, scope, doc }]) => [
    `\`${name}\``,
    params.map((param) => `\`${param.name}\`: ${kinds[param.kind]}`).join(", "),
    scope,
    doc,
  ]);
  return { events: table(["event", "parameters", "scope", "value at each node"], rows) };
}

/** What clients in other languages must compute too. */
async function steeringParts() {
  const text = await readFile(new URL("docs/steering-vectors.json", root), "utf8");
  const { addresses, seeds, modulo, rendezvous } = JSON.parse(text);
  const hex = (value) => `\`${value.toString(16).padStart(8, "0")}\``;
  const cells = ({ id, scores, address }) => {
    const { index, address: listed } = modulo.find((other) => other.id === id && other.closed === undefined);
    const place = (chosen) => `${addresses.indexOf(chosen) + 1}`;
    return [`\`${id}\``, ...scores.map(hex), place(address), `${index}`, place(listed)];
  };
  const seedRows = addresses.map((address, at) => [`${at + 1}`, `\`${address}\``, hex(seeds[at])]);
  const scoreHead = addresses.map((_, at) => `score ${at + 1}`);
  const head = ["id", ...scoreHead, "rendezvous", "index", "modulo"];
  return {
    vectors: [
      table(["", "address", "`mix32(crc32(address))`"], seedRows),
      table(head, rendezvous.map(cells)),
    ].join("\n\n"),
  };
}

/** A Markdown table. */
function table(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** `text` with its generated parts replaced. Every part must stand in it once, and no other. */
function fillIn(path, text, parts) {
  const missing = new Set(Object.keys(parts));
  const filled = text.replace(
    /(<!-- generated: ([\w-]+) -->\n).*?(<!-- \/generated -->)/gs,
    (_, start, name, end) => {
      if (!missing.delete(name)) throw new Error(`${path}: nothing generates the part "${name}"`);
      return `${start}\n${parts[name]}\n\n${end}`;
    },
  );
  if (missing.size > 0) throw new Error(`${path} has no place for ${[...missing].join(", ")}`);
  return filled;
}
