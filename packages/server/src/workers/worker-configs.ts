import { availableParallelism } from "node:os";
import type { NodeConfig } from "../config/options.js";
import { CenterError } from "../errors.js";

/** How many processes `workers` asks for on this machine. */
export function workerCount({ workers }: Pick<NodeConfig, "workers">): number {
  return workers === "auto" ? availableParallelism() : workers;
}

const DEFAULT_DISTANCE = 100;
const HIGHEST_PORT = 65_535;

/**
 * The configuration of each worker's node, made from that of the host. `{port}` stays in `publicUrl`: the node knows it
 * when it listens.
 *
 * @throws CenterError CONFIG_INVALID where the workers' own ports do not fit.
 */
export function workerConfigs(host: NodeConfig, count: number): NodeConfig[] {
  const first = firstPort(host);
  if (first > 0) checkPorts(host, first, first + count - 1);
  return Array.from({ length: count }, (_, index) => ({
    ...host,
    workers: 1,
    port: first === 0 ? 0 : first + index,
    publicUrl: publicUrlTemplate(host)?.replaceAll("{worker}", String(index + 1)),
    adminPort: undefined,
  }));
}

function firstPort({ port, workerPort }: NodeConfig): number {
  return workerPort ?? (port === 0 ? 0 : port + DEFAULT_DISTANCE);
}

function checkPorts({ port, adminPort }: NodeConfig, first: number, last: number): void {
  const problems = [];
  if (last > HIGHEST_PORT) problems.push(`end beyond ${HIGHEST_PORT}`);
  if (port >= first && port <= last) problems.push(`have the client port ${port} among them`);
  if (adminPort !== undefined && adminPort >= first && adminPort <= last) {
    problems.push(`have the admin port ${adminPort} among them`);
  }
  if (problems.length === 0) return;
  const text = `the workers' own ports, ${first} to ${last}, ${problems.join(" and ")}`;
  throw new CenterError(
    "CONFIG_INVALID",
    `${text}: set WSC_WORKER_PORT (--worker-port) to the first of them`,
  );
}

function publicUrlTemplate({ publicUrl, workerPublicUrl }: NodeConfig): string | undefined {
  if (workerPublicUrl !== undefined || publicUrl === undefined) return workerPublicUrl;
  const { protocol, hostname, pathname, search } = new URL(publicUrl);
  return `${protocol}//${hostname}:{port}${pathname === "/" ? "" : pathname}${search}`;
}
