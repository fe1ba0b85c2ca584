import { Argument, Command } from "commander";
import { print } from "./command-failure.js";
import { completionScript, installLines, type Shell, shells } from "./completion-scripts.js";
import { completionWords } from "./completion-words.js";

/** `websocket-center completion`: what makes a shell complete this command line. */
export function completionCommand(): Command {
  const command = new Command("completion")
    .description("Print a script that lets a shell complete commands, flags, and the events of `call`.")
    .addArgument(new Argument("<shell>", "the shell").choices(shells));
  command.addHelpText(
    "after",
    `\nTo use it:\n${shells.map((shell) => `  ${installLines[shell]}`).join("\n")}`,
  );
  return command.action((shell: Shell) => {
    print(completionScript(shell, completionWords(command.parent ?? command)));
  });
}
