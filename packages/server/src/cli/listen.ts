import { Command, Option } from "commander";
import { bindConnection } from "./bind-connection.js";
import { addCenterFlags, append, jsonOption, readCenterFlags, readUrl } from "./center-flags.js";
import { exitCodesHelp, print } from "./command-failure.js";
import { Listener } from "./listener.js";
import { printable } from "./table.js";

const DEFAULT_URL = "ws://127.0.0.1:8090";
const SHOWN_BYTES = 64;

interface ListenFlags {
  user?: string;
  group?: string[];
  once?: boolean;
  count?: string;
  json?: boolean;
}

/** `websocket-center listen`: a client whose messages can be read. */
export function listenCommand(): Command {
  const command = new Command("listen")
    .description("Connect to a node as a client, and print each message that comes on a line.")
    .argument("[url]", `client port of a node (default: ${DEFAULT_URL})`)
    .addOption(new Option("--user <id>", "bind this user to the connection, through a center"))
    .addOption(
      new Option(
        "--group <ids>",
        "let the connection join this group, through a center; repeat it, or separate with commas, for several",
      ).argParser(append),
    )
    .addOption(new Option("--count <messages>", "end after so many messages"))
    .addOption(new Option("--once", "do not connect again when the connection ends"));
  addCenterFlags(command).addOption(jsonOption());
  command.addHelpText(
    "after",
    "\nWhat happens to the connection is told on stderr, the node's open frame included." +
      "\nControl characters are escaped, and bytes shown in hex; --json has a message as it is: {time, type, data}, bytes in Base64." +
      "\nA connection that is lost is made again, unless the node says that the client must not come back. Ctrl-C ends with 0.",
  );
  command.addHelpText(
    "after",
    exitCodesHelp(
      "the node refused the client or closed it for good, or binding failed",
      "no node, or for --user and --group no center, could be reached",
    ),
  );
  return command.action(async (text: string = DEFAULT_URL) => {
    const access = readCenterFlags(command);
    const flags = command.opts<ListenFlags>();
    const url = readUrl(text, "ws");
    if (typeof url === "string") return command.error(`error: ${url}`);
    const target = readTarget(command, flags);
    const isBinding = target.userId !== undefined || target.groupIds.length > 0;
    const listener = new Listener({
      url,
      once: flags.once === true,
      count: readCount(command, flags.count),
      timeoutMs: access.timeoutMs,
      prepare: isBinding ? (connectionId) => bindConnection(access, connectionId, target) : undefined,
      onMessage: flags.json === true ? printJson : printText,
    });
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => listener.stop());
    await listener.run();
  });
}

function readTarget(
  command: Command,
  { user, group = [] }: ListenFlags,
): { userId: string | undefined; groupIds: string[] } {
  if (user === "") command.error("error: --user is empty: expected a user id");
  const groupIds = group.flatMap((ids) => ids.split(",")).filter((id) => id !== "");
  if (group.length > 0 && groupIds.length === 0) command.error("error: --group is empty: expected group ids");
  return { userId: user, groupIds };
}

function readCount(command: Command, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  return command.error("error: --count: expected a whole number of messages, 1 or more");
}

function printText(data: Buffer, isBinary: boolean): void {
  if (!isBinary) {
    print(printable(data.toString()));
    return;
  }
  const hex = data.toString("hex", 0, SHOWN_BYTES);
  print(`(${data.length} bytes) ${hex}${data.length > SHOWN_BYTES ? "…" : ""}`);
}

function printJson(data: Buffer, isBinary: boolean): void {
  const time = new Date().toISOString();
  const type = isBinary ? "binary" : "text";
  print(JSON.stringify({ time, type, data: data.toString(isBinary ? "base64" : "utf8") }));
}
