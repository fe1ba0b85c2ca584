import type { Command } from "commander";

/** Commands by their names, under the headings of `--help`. */
const groups: Readonly<Record<string, Readonly<Record<string, () => Promise<Command>>>>> = {
  "Running processes:": {
    center: async () => (await import("./center.js")).centerCommand(),
    node: async () => (await import("./node.js")).nodeCommand(),
    dev: async () => (await import("./dev.js")).devCommand(),
    config: async () => (await import("./config.js")).configCommand(),
    token: async () => (await import("./client-token.js")).clientTokenCommand(),
    "api-token": async () => (await import("./api-token.js")).apiTokenCommand(),
  },
  "Using a cluster:": {
    call: async () => (await import("./call.js")).callCommand(),
    status: async () => (await import("./status.js")).statusCommand(),
    assign: async () => (await import("./assign.js")).assignCommand(),
    services: async () => (await import("./services.js")).servicesCommand(),
    register: async () => (await import("./register.js")).registerCommand(),
    remove: async () => (await import("./register.js")).removeCommand(),
    drain: async () => (await import("./drain.js")).drainCommand(),
    undrain: async () => (await import("./drain.js")).undrainCommand(),
    listen: async () => (await import("./listen.js")).listenCommand(),
    bench: async () => (await import("./bench.js")).benchCommand(),
  },
  "Commands:": {
    completion: async () => (await import("./completion.js")).completionCommand(),
  },
};

/** Needs to know all the others. */
const COMPLETION = "completion";

/**
 * Gives `program` the command that `name` calls, or all of them where it calls none: what a process does not run it
 * does not load.
 */
export async function addCommands(program: Command, name: string | undefined): Promise<void> {
  const all = Object.entries(groups).flatMap(([heading, commands]) =>
    Object.entries(commands).map(([command, load]) => ({ heading, command, load })),
  );
  const called = name === COMPLETION ? [] : all.filter(({ command }) => command === name);
  for (const { heading, load } of called.length > 0 ? called : all) {
    program.commandsGroup(heading).addCommand(await load());
  }
}
