import { Command, Option } from "commander";
import { servicesAnswer } from "./answers.js";
import { reachCenter, showUrl } from "./center-client.js";
import { addCenterFlags, append, jsonOption, readCenterFlags } from "./center-flags.js";
import { exitCodesHelp, note, print } from "./command-failure.js";
import { formatTable, printable, shortId } from "./table.js";

const MAX_SHOWN_METHODS = 8;

interface ServicesFlags {
  name?: string;
  meta?: string[];
  json?: boolean;
}

/** `websocket-center services`: the named services of all nodes. */
export function servicesCommand(): Command {
  const command = new Command("services").description(
    "List the services that nodes offer, the hub of each (websocket) among them.",
  );
  command
    .addOption(new Option("--name <name>", "only services of that name"))
    .addOption(
      new Option(
        "--meta <key=value>",
        "only services with that metadata; repeat it for further conditions",
      ).argParser(append),
    );
  addCenterFlags(command).addOption(jsonOption());
  command.addHelpText("after", exitCodesHelp("the center refused"));
  return command.action(async () => {
    const access = readCenterFlags(command);
    const { name, meta = [], json = false } = command.opts<ServicesFlags>();
    const query = new URLSearchParams(name === undefined ? {} : { name });
    for (const condition of meta) {
      const equals = condition.indexOf("=");
      if (equals < 1) command.error(`error: --meta: expected key=value, not ${JSON.stringify(condition)}`);
      query.append(`meta[${condition.slice(0, equals)}]`, condition.slice(equals + 1));
    }
    const center = await reachCenter(access);
    const answer = await center.get(`services?${query.toString()}`, servicesAnswer);
    if (json) {
      print(JSON.stringify(answer));
    } else if (answer.services.length === 0) {
      note(`${showUrl(center.url)} knows of no ${query.size === 0 ? "service" : "such service"}.`);
    } else {
      print(formatTable(["SERVICE", "NODE", "METADATA", "METHODS"], answer.services.map(toRow)));
    }
  });
}

function toRow(service: {
  name: string;
  nodeId: string;
  methods: string[];
  metadata: Record<string, unknown>;
}): string[] {
  const metadata = Object.entries(service.metadata).map(
    ([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return [
    printable(service.name),
    shortId(service.nodeId),
    printable(metadata.join(" ")),
    showMethods(service.methods),
  ];
}

/** The first of many: --json has them all. */
function showMethods(methods: readonly string[]): string {
  const shown = methods.length > MAX_SHOWN_METHODS ? methods.slice(0, MAX_SHOWN_METHODS - 1) : methods;
  const more = methods.length - shown.length;
  return shown.map(printable).join(", ") + (more === 0 ? "" : ` and ${more} more`);
}
