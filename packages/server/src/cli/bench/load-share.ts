/** How much of itself this process used. */
export interface LoadShare {
  /** CPU time by the time that passed; more than 1 where its threads used several cores. */
  cpuShare: number;
  /** The share of the time in which its event loop was not idle. */
  busyShare: number;
}

/** Above this, what was measured may be this process and not the cluster. */
const LIMIT_SHARE = 0.8;

/** Begins to measure. @returns a function that tells the shares since then. */
export function startLoadShare(): () => LoadShare {
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  const loop = performance.eventLoopUtilization();
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    const cpuShare = (user + system) / 1000 / (performance.now() - startedAt);
    return { cpuShare, busyShare: performance.eventLoopUtilization(loop).utilization };
  };
}

export function wasLimit({ busyShare, cpuShare }: LoadShare): boolean {
  return Math.max(busyShare, cpuShare) > LIMIT_SHARE;
}
