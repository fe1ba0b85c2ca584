import { createInterface } from "node:readline";

/** Tells `ready` as a line of JSON, and answers each line of JSON that comes with what `run` makes of it. */
export function answerCommands(ready, run) {
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    void Promise.resolve(JSON.parse(line))
      .then(run)
      .then((answer) => console.log(JSON.stringify(answer)));
  });
  lines.on("close", () => process.exit(0));
  console.log(JSON.stringify(ready));
}
