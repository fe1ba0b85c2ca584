import type { CommandWords, EventWords, FlagWords } from "./completion-words.js";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** How the shell is told of the script; for `--help`. */
export const installLines: Record<Shell, string> = {
  bash: "source <(websocket-center completion bash)           # in ~/.bashrc",
  zsh: "source <(websocket-center completion zsh)            # in ~/.zshrc, after compinit",
  fish: "websocket-center completion fish | source            # in ~/.config/fish/config.fish",
};

export interface Words {
  commands: readonly CommandWords[];
  events: readonly EventWords[];
}

export function completionScript(shell: Shell, words: Words): string {
  switch (shell) {
    case "bash":
      return bashScript(words);
    case "zsh":
      return zshScript(words);
    case "fish":
      return fishScript(words);
  }
}

/** The program's own words, and a case for each command. */
function split({ commands }: Words): { root: CommandWords | undefined; others: CommandWords[] } {
  const [root, ...others] = commands;
  return { root, others };
}

function wordsOf({ words, flags }: CommandWords): string {
  return [...words, ...flags.map(({ flag }) => flag)].join(" ");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Each flag once, of all commands: they mean the same wherever they stand. */
function distinctFlags({ commands }: Words): FlagWords[] {
  return [...new Map(commands.flatMap(({ flags }) => flags).map((one) => [one.flag, one])).values()];
}

/** Patterns of the flags that take something; empty where there are none. */
function flagsThatTake(words: Words, takes: FlagWords["takes"]): string {
  return distinctFlags(words)
    .filter((one) => one.takes === takes)
    .map(({ flag }) => flag)
    .join("|");
}

function choiceCases(words: Words, line: (choices: string) => string): string[] {
  return distinctFlags(words)
    .filter(({ takes }) => takes === "choice")
    .map(({ flag, choices }) => `    ${flag}) ${line(choices.join(" "))}; return ;;`);
}

/** `"" bash` is what stands before and at a word: the cases that make a word the command. */
function commandCases({ commands }: Words, set: (path: string) => string): string[] {
  return commands
    .filter(({ path }) => path !== "")
    .map(({ path, name }) => {
      const parent = path.slice(0, -name.length).trimEnd();
      return `      ${quoted(`${parent} ${name}`)}) ${set(path)} ;;`;
    });
}

function parameterCases({ events }: Words): string[] {
  return events
    .filter(({ parameters }) => parameters.length > 0)
    .map(({ name, parameters }) => `      ${name}) parameters+=${quoted(` ${parameters.join(" ")}`)} ;;`);
}

/** Bash and zsh alike: what a word of `call` has of events, and with it the end of the loop over words. */
function eventScan(words: Words): string[] {
  return [
    "      case $part in",
    `      ${words.events.map(({ name }) => name).join("|")}) event=$word ;;`,
    "      esac",
    "      case $part in",
    ...parameterCases(words),
    "      esac",
    "    done",
    "  done",
  ];
}

function bashScript(words: Words): string {
  const { root, others } = split(words);
  const events = words.events.map(({ name }) => name);
  return [
    "# bash completion for websocket-center: source this file.",
    "_websocket_center() {",
    "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}",
    "  local command='' event='' parameters='' words='' prefix='' word part i",
    "  COMPREPLY=()",
    "  for ((i = 1; i < COMP_CWORD; i++)); do",
    "    word=${COMP_WORDS[i]}",
    '    case "$command $word" in',
    ...commandCases(words, (path) => `command=${quoted(path)}`),
    "    esac",
    '    [ "$command" = call ] || continue',
    "    for part in ${word//,/ }; do",
    ...eventScan(words),
    "  case $previous in",
    `    ${flagsThatTake(words, "file")}) COMPREPLY=($(compgen -f -- "$current")); return ;;`,
    ...choiceCases(words, (choices) => `COMPREPLY=($(compgen -W ${quoted(choices)} -- "$current"))`),
    `    ${flagsThatTake(words, "text")}) return ;;`,
    "  esac",
    "  case $command in",
    ...others.map((command) => `    ${quoted(command.path)}) words=${quoted(wordsOf(command))} ;;`),
    `    *) words=${quoted(root === undefined ? "" : wordsOf(root))} ;;`,
    "  esac",
    '  if [ "$command" = call ] && [ "${current#-}" = "$current" ]; then',
    '    if [ -n "$event" ]; then',
    "      words=$parameters",
    "      compopt -o nospace 2>/dev/null",
    "    else",
    "      # Several events stand in one word, with commas between them.",
    "      case $current in *,*) prefix=${current%,*}, ;; esac",
    `      words=${quoted(events.join(" "))}`,
    "    fi",
    "  fi",
    '  COMPREPLY=($(compgen -P "$prefix" -W "$words" -- "${current#"$prefix"}"))',
    "}",
    "complete -F _websocket_center websocket-center",
  ].join("\n");
}

function zshScript(words: Words): string {
  const { root, others } = split(words);
  const described = ({ words: names, flags }: CommandWords, path: string): string => {
    const own = names.map((name) => {
      const child = others.find((other) => other.path === (path === "" ? name : `${path} ${name}`));
      return quoted(`${name}:${(child?.doc ?? "").replaceAll(":", "\\:")}`);
    });
    const all = [...own, ...flags.map(({ flag, doc }) => quoted(`${flag}:${doc.replaceAll(":", "\\:")}`))];
    return `entries=(${all.join(" ")})`;
  };
  const events = words.events.map(({ name }) => name);
  return [
    "#compdef websocket-center",
    "_websocket_center() {",
    "  local current=$words[CURRENT] previous=$words[CURRENT-1]",
    "  local command='' event='' parameters='' word part",
    "  local -a entries",
    "  for word in ${words[2,CURRENT-1]}; do",
    '    case "$command $word" in',
    ...commandCases(words, (path) => `command=${quoted(path)}`),
    "    esac",
    "    [[ $command == call ]] || continue",
    "    for part in ${(s:,:)word}; do",
    ...eventScan(words),
    "  case $previous in",
    `    ${flagsThatTake(words, "file")}) _files; return ;;`,
    ...choiceCases(words, (choices) => `compadd -- ${choices}`),
    `    ${flagsThatTake(words, "text")}) return ;;`,
    "  esac",
    "  if [[ $command == call && $current != -* ]]; then",
    "    if [[ -n $event ]]; then",
    "      compadd -S '' -- ${=parameters}",
    "    else",
    "      compset -P '*,'",
    `      compadd -- ${events.join(" ")}`,
    "    fi",
    "    return",
    "  fi",
    "  case $command in",
    ...others.map((command) => `    ${quoted(command.path)}) ${described(command, command.path)} ;;`),
    `    *) ${root === undefined ? "" : described(root, "")} ;;`,
    "  esac",
    "  _describe 'websocket-center' entries",
    "}",
    "compdef _websocket_center websocket-center",
  ].join("\n");
}

function fishScript(words: Words): string {
  const { root, others } = split(words);
  const events = words.events.map(({ name }) => name);
  const lines = [
    "# fish completion for websocket-center.",
    "# Several events stand in one word, with commas between them.",
    "function __websocket_center_called",
    "  for name in (commandline -opc | string split ,)",
    "    contains -- $name $argv; and return 0",
    "  end",
    "  return 1",
    "end",
    "function __websocket_center_events",
    "  set -l before (commandline -ct | string match -r '.*,')",
    `  printf '%s\\n' "$before"{${events.join(",")}}`,
    "end",
    "complete -c websocket-center -f",
  ];
  const add = (condition: string, rest: string): void => {
    lines.push(`complete -c websocket-center -n ${quoted(condition)} ${rest}`);
  };
  const flagRest = ({ flag, doc, takes, choices }: FlagWords): string => {
    const value =
      takes === "nothing"
        ? ""
        : takes === "file"
          ? " -r -F"
          : takes === "choice"
            ? ` -x -a ${quoted(choices.join(" "))}`
            : " -x";
    return `-l ${flag.slice(2)}${value} -d ${quoted(doc)}`;
  };
  for (const flag of root?.flags ?? []) add("__fish_use_subcommand", flagRest(flag));
  for (const { path, name, doc, flags, words: own } of others) {
    const parts = path.split(" ");
    const parent =
      parts.length > 1 ? `__fish_seen_subcommand_from ${parts[0] ?? ""}` : "__fish_use_subcommand";
    const isCommand = parts.map((part) => `__fish_seen_subcommand_from ${part}`).join("; and ");
    if (parts.length === 1) add(parent, `-a ${name} -d ${quoted(doc)}`);
    for (const flag of flags) add(isCommand, flagRest(flag));
    if (own.length > 0) add(isCommand, `-a ${quoted(own.join(" "))}`);
  }
  add(
    `__fish_seen_subcommand_from call; and not __websocket_center_called ${events.join(" ")}`,
    "-a '(__websocket_center_events)' -d 'event'",
  );
  for (const { name, parameters } of words.events) {
    if (parameters.length > 0) add(`__websocket_center_called ${name}`, `-a ${quoted(parameters.join(" "))}`);
  }
  return lines.join("\n");
}
