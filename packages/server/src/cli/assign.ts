import { Argument, Command } from "commander";
import { assignAnswer } from "./answers.js";
import { reachCenter } from "./center-client.js";
import { addCenterFlags, jsonOption, readCenterFlags } from "./center-flags.js";
import { exitCodesHelp, print } from "./command-failure.js";
import { printable } from "./table.js";

/** `websocket-center assign`: where a user is sent to connect. */
export function assignCommand(): Command {
  const command = new Command("assign").description("Show the address at which a user shall connect.");
  command.addArgument(new Argument("<user>", "the user's id"));
  addCenterFlags(command).addOption(jsonOption());
  command.addHelpText("after", exitCodesHelp("no node takes clients, or the center refused"));
  return command.action(async (userId: string) => {
    const access = readCenterFlags(command);
    const center = await reachCenter(access);
    const answer = await center.get(`assign?id=${encodeURIComponent(userId)}`, assignAnswer);
    print(command.opts<{ json?: boolean }>().json === true ? JSON.stringify(answer) : printable(answer.url));
  });
}
