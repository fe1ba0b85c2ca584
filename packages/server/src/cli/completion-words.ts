import { classicEvents } from "@websocket-center/protocol";
import type { Command, Option } from "commander";
import { formOf } from "./call-request.js";

/** A flag as a shell completes it. */
export interface FlagWords {
  /** `--center` */
  flag: string;
  doc: string;
  /** What follows it: nothing, the path of a file, one of `choices`, or any other text. */
  takes: "nothing" | "file" | "choice" | "text";
  choices: readonly string[];
}

/** A command as a shell completes it. */
export interface CommandWords {
  /** The words that call it: `config node`. */
  path: string;
  name: string;
  doc: string;
  flags: FlagWords[];
  /** What may stand as its argument: subcommands, or choices. */
  words: string[];
}

/** An event of `call`, and the beginnings of its parameters: `groupId=`. */
export interface EventWords {
  name: string;
  parameters: string[];
}

/** Everything that a shell completes, the program itself first. */
export function completionWords(program: Command): { commands: CommandWords[]; events: EventWords[] } {
  const commands = commandWords(program, "");
  shareChoices(commands.flatMap(({ flags }) => flags));
  return {
    commands,
    events: Object.entries(classicEvents).map(([name, { params }]) => ({
      name,
      parameters: params.map((param) => formOf(param).replace(/….*/, "")),
    })),
  };
}

function commandWords(command: Command, path: string): CommandWords[] {
  const help = command.createHelp();
  const choices = command.registeredArguments.flatMap((argument) => argument.argChoices ?? []);
  const own: CommandWords = {
    path,
    name: command.name(),
    doc: firstSentence(command.description()),
    flags: help.visibleOptions(command).flatMap(flagWords),
    words: [...help.visibleCommands(command).map((child) => child.name()), ...choices],
  };
  const below = command.commands.flatMap((child) =>
    commandWords(child, path === "" ? child.name() : `${path} ${child.name()}`),
  );
  return [own, ...below];
}

function flagWords({ long, flags, description, argChoices }: Option): FlagWords[] {
  if (long === undefined || long === null) return [];
  const placeholder = /[<[](.+)[>\]]/.exec(flags)?.[1];
  const takes =
    placeholder === undefined ? "nothing" : argChoices ? "choice" : placeholder === "file" ? "file" : "text";
  return [{ flag: long, doc: firstSentence(description), takes, choices: argChoices ?? [] }];
}

/** A flag means the same wherever it stands, but not every command says what it may be. */
function shareChoices(flags: readonly FlagWords[]): void {
  const known = new Map(
    flags.filter(({ takes }) => takes === "choice").map((one) => [one.flag, one.choices]),
  );
  for (const one of flags) {
    const choices = known.get(one.flag);
    if (choices !== undefined) Object.assign(one, { takes: "choice", choices });
  }
}

/** Short enough to stand beside a word. */
function firstSentence(text: string): string {
  const [sentence = ""] = text.split(/[.:;](?: |$)| \(/);
  return sentence.trim().replace(/\s+/g, " ");
}
