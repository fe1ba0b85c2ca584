/**
 * So many calls at once, each followed by another one, for so long.
 * @param {(user: number) => Promise<boolean>} send - to that user; whether it arrived
 * @param {{ seconds: number, inFlight: number, users: number, first?: number }} options - `users` of them, from `first` on
 * @returns {Promise<{ calls: number, cpu: number, seconds: number }>} `cpu`: of this process, in seconds
 */
export async function callInLanes(send, { seconds, inFlight, users, first = 0 }) {
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  let calls = 0;
  const lane = async () => {
    while (performance.now() < startedAt + seconds * 1000) {
      if (!(await send(first + randomUser(users)))) throw new Error("a call found no node");
      calls += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  const { user, system } = process.cpuUsage(cpu);
  return { calls, cpu: (user + system) / 1e6, seconds: (performance.now() - startedAt) / 1000 };
}

export const randomUser = (users) => Math.floor(Math.random() * users);
