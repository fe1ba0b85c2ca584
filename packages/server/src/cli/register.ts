import { Command, Option } from "commander";
import { ADDRESS_FORM, isAddress, parseAddress } from "../config/addresses.js";
import { tellAnswer } from "./answers.js";
import {
  type CenterClient,
  createCenterClient,
  reachCenter,
  showUrl,
  unreachable,
  whyNotReached,
} from "./center-client.js";
import { addCenterFlags, type CenterAccess, jsonOption, readCenterFlags } from "./center-flags.js";
import { CommandFailure, exitCodesHelp, EXIT_FAILED, note, print } from "./command-failure.js";
import { counted, printable } from "./table.js";

type Change = "register" | "remove";

const texts = {
  register: {
    description: "Tell nodes, at run time, to register with further centers.",
    told: "to register with",
  },
  remove: {
    description: "Tell nodes, at run time, to leave centers.",
    told: "to leave",
  },
} as const;

/** `websocket-center register`: nodes link to further centers. */
export function registerCommand(): Command {
  return tellCommand("register");
}

/** `websocket-center remove`: nodes leave centers. */
export function removeCommand(): Command {
  return tellCommand("remove");
}

function tellCommand(change: Change): Command {
  const command = new Command(change)
    .description(texts[change].description)
    .argument(
      "<address...>",
      "link port of a center: host:port, or a port at the host of the center that tells",
    );
  addCenterFlags(command)
    .addOption(
      new Option("--all", "let every given center tell its nodes, not only the first that can be reached"),
    )
    .addOption(jsonOption());
  command.addHelpText(
    "after",
    "\nNodes that are linked to the center that is asked are told at once, and those that come later when they come." +
      "\nEach center remembers for itself: --all lets all of them know. `status` shows which links have come about.",
  );
  command.addHelpText("after", exitCodesHelp("a center refused, or with --all one could not be reached"));
  return command.action(async (addresses: string[]) => {
    const access = readCenterFlags(command);
    const { all = false, json = false } = command.opts<{ all?: boolean; json?: boolean }>();
    const wrong = addresses.find((address) => !isAddress(address));
    if (wrong !== undefined)
      command.error(`error: ${JSON.stringify(wrong)} is no address: expected ${ADDRESS_FORM}`);
    if (!all) return tell(await reachCenter(access), change, addresses, json);
    await tellAll(access, change, addresses, json);
  });
}

async function tell(
  center: CenterClient,
  change: Change,
  addresses: readonly string[],
  json: boolean,
): Promise<void> {
  const answer = await center.post(`centers/${change}`, { addresses }, tellAnswer);
  if (json) {
    print(JSON.stringify({ center: showUrl(center.url), ...answer }));
    return;
  }
  const count = answer.nodeIds.length;
  const told = count === 0 ? "no node is linked that could be told" : `told ${counted(count, "node")}`;
  print(`${showUrl(center.url)}: ${told} ${texts[change].told} ${addresses.map(printable).join(", ")}`);
  const others = answer.otherCenters.length === 0 ? "none" : answer.otherCenters.map(printable).join(", ");
  print(`  other centers that nodes are told of when they come: ${others}`);
  if (change === "register") return;
  const ports = new Set(addresses.map((address) => parseAddress(address).port));
  for (const left of answer.otherCenters.filter((other) => ports.has(parseAddress(other).port))) {
    note(`${printable(left)} may be one that you meant: under that name it was not removed`);
  }
}

async function tellAll(
  access: CenterAccess,
  change: Change,
  addresses: readonly string[],
  json: boolean,
): Promise<void> {
  const missing: string[] = [];
  const failed: string[] = [];
  for (const url of access.centers) {
    const reason = await whyNotReached(url);
    if (reason !== undefined) {
      missing.push(`${showUrl(url)} could not be reached: ${reason}`);
      continue;
    }
    try {
      await tell(createCenterClient(url, access), change, addresses, json);
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error;
      failed.push(error.message);
    }
  }
  if (missing.length === access.centers.length) throw unreachable(missing);
  if (missing.length === 0 && failed.length === 0) return;
  if (missing.length > 0) note("Those that could not be reached do not know of it:");
  throw new CommandFailure(EXIT_FAILED, [...missing, ...failed].join("\n"));
}
