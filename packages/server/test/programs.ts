import { spawnSync } from "node:child_process";

/** The path of a program that tests start; undefined where it is not installed. Its tests are then skipped, by name. */
export function findProgram(command: string): string | undefined {
  const { status, stdout } = spawnSync("sh", ["-c", `command -v ${command}`], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}
