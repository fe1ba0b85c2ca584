import { failureOf } from "../answers.js";
import type { CenterClient } from "../center-client.js";
import { CommandFailure, EXIT_FAILED } from "../command-failure.js";
import type { BenchClients } from "./clients.js";
import { type Audience, Deliveries, type DeliveryFigures } from "./deliveries.js";
import { Latencies, type Percentiles } from "./latencies.js";
import { type LoadShare, startLoadShare } from "./load-share.js";
import { pace } from "./pace.js";
import type { Rate } from "./plan.js";
import { waitFor } from "./wait.js";

/** How long messages may be on their way when the last call was answered. */
const GRACE_MS = 2000;

export interface SendFigures extends DeliveryFigures {
  rate: Rate;
  seconds: number;
  calls: number;
  /** Answered as they should be: with a node that queued it. */
  answered: number;
  perSecond: number;
  failed: number;
  firstFailure: string | undefined;
  /** Were due and not sent, since too many waited for their answers. */
  unsent: number;
  /** From when the call was due to its answer. */
  answer: Percentiles | undefined;
  deliveriesPerSecond: number;
  load: LoadShare;
}

/**
 * Calls the center for some seconds, and follows each message to the clients that it is for.
 *
 * @param settings.waits - the next call goes when the last one's message has arrived everywhere, where it does soon.
 */
export async function measureSends(settings: {
  /** In messages of this measurement; another one each time. */
  phase: string;
  center: CenterClient;
  clients: BenchClients;
  audience: Audience;
  rate: Rate;
  seconds: number;
  inFlight: number;
  messageBytes: number;
  waits: boolean;
  signal: AbortSignal;
  event: "sendMessageToId" | "sendToGroup";
  target: (number: number) => object;
}): Promise<SendFigures> {
  const { phase, center, clients, rate, seconds, inFlight, messageBytes, waits, signal } = settings;
  const deliveries = new Deliveries(clients.size, settings.audience);
  const answers = new Latencies();
  let answered = 0;
  let failed = 0;
  let firstFailure: string | undefined;
  clients.listen(phase, (number, client) => deliveries.received(number, client));

  const call = async (number: number, dueAt: number): Promise<void> => {
    try {
      const msg = clients.messageOf(phase, number, messageBytes);
      const queued = await queuedBy(center, settings.event, { ...settings.target(number), msg });
      answers.add(performance.now() - dueAt);
      answered += 1;
      deliveries.answered(number, queued);
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error;
      failed += 1;
      firstFailure ??= error.message;
      deliveries.failed(number);
    }
  };
  const loadShare = startLoadShare();
  const paced = await pace({
    rate,
    seconds,
    inFlight: waits ? 1 : inFlight,
    signal,
    send: async (number, dueAt) => {
      let hasArrived = false;
      let onArrived = (): void => {
        hasArrived = true;
      };
      deliveries.begin(number, dueAt, () => onArrived());
      await call(number, dueAt);
      if (!waits || hasArrived) return;
      await waitFor({ ms: GRACE_MS, signal, begin: (done) => (onArrived = done) });
    },
  });
  const load = loadShare();
  await deliveries.settle(GRACE_MS, signal);
  const figures = deliveries.figures();
  return {
    rate,
    seconds: paced.seconds,
    calls: paced.sent,
    answered,
    perSecond: answered / paced.seconds,
    failed,
    firstFailure,
    unsent: paced.unsent,
    answer: answers.percentiles(),
    deliveriesPerSecond: figures.deliveries / paced.seconds,
    load,
    ...figures,
  };
}

/**
 * To how many connections nodes queued the message.
 * @throws CommandFailure where the call failed at a node, or nobody got it.
 */
async function queuedBy(center: CenterClient, event: string, params: object): Promise<number> {
  const { answer } = await center.call([event], JSON.stringify({ [event]: params }));
  const values = Object.values(answer.data[event] ?? {});
  const failure = values.map(failureOf).find((reason) => reason !== undefined);
  if (failure !== undefined) throw new CommandFailure(EXIT_FAILED, `${event} failed at a node: ${failure}`);
  const queued = values.reduce<number>((sum, value) => (typeof value === "number" ? sum + value : sum), 0);
  if (queued > 0) return queued;
  throw new CommandFailure(
    EXIT_FAILED,
    `${event} found no client: its connection has ended, or its user is not known`,
  );
}
