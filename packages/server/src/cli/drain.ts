import { Command } from "commander";
import { drainAnswer } from "./answers.js";
import { reachCenter } from "./center-client.js";
import { addCenterFlags, jsonOption, readCenterFlags } from "./center-flags.js";
import { exitCodesHelp, print } from "./command-failure.js";
import { counted, printable, shortId } from "./table.js";

/** `websocket-center drain`: a node lets its clients go, and stays. */
export function drainCommand(): Command {
  return createCommand(
    "drain",
    "Let a node refuse new clients and close the present ones (1012), while it stays linked and answers calls.",
  );
}

/** `websocket-center undrain`: it takes clients again. */
export function undrainCommand(): Command {
  return createCommand("undrain", "Let a drained node take clients again.");
}

function createCommand(change: "drain" | "undrain", description: string): Command {
  const command = new Command(change)
    .description(description)
    .argument("<node>", "id of the node, or at least its first 4 characters; `status` shows them");
  addCenterFlags(command).addOption(jsonOption());
  command.addHelpText("after", exitCodesHelp("no such node, several that begin so, or it did not answer"));
  return command.action(async (idOrPrefix: string) => {
    const access = readCenterFlags(command);
    if (!/^[0-9a-f]{4,32}$/i.test(idOrPrefix)) {
      command.error("error: expected the id of a node, or at least its first 4 characters (0-9, a-f)");
    }
    const center = await reachCenter(access);
    const answer = await center.post(`nodes/${idOrPrefix.toLowerCase()}/${change}`, {}, drainAnswer);
    if (command.opts<{ json?: boolean }>().json === true) {
      print(JSON.stringify(answer));
      return;
    }
    const { id, publicUrl, connections } = answer.node;
    const name = `node ${shortId(id)} (${printable(publicUrl)})`;
    if (change === "undrain")
      print(`${name} takes clients again; it has ${counted(connections, "connection")}`);
    else if (connections === 0) print(`${name} takes no new clients, and has none`);
    else print(`${name} takes no new clients, and closes its ${counted(connections, "connection")}`);
  });
}
