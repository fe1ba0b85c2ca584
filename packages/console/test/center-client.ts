import { CenterClient } from "../src/api/center-client.js";
import { Session } from "../src/api/session.js";

/** Asks a center that is nowhere: the test answers, in place of `fetch`. */
export function createCenterClient(): CenterClient {
  const storage = { getItem: () => null } as unknown as Storage;
  return new CenterClient(new Session("http://center.invalid/", storage));
}
