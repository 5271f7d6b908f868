/** How one try to deliver went. */
export interface DeliveryResult {
  /** The receiver's HTTP status; null where it did not answer. */
  status: number | null;
  /** What its `Retry-After` asks for, in ms; null where it asks for nothing. */
  retryAfterMs: number | null;
}

export type DeliveryDecision =
  | { kind: 'delivered' }
  | { kind: 'retry'; delayMs: number }
  | { kind: 'failed'; reason: string }
  /** The receiver says that the endpoint is gone: nothing more is sent to it. */
  | { kind: 'disable'; reason: string };

const GONE = 410;
/** A receiver that asks for more patience than this is not obeyed, in ms. */
const LONGEST_RETRY_AFTER_MS = 24 * 3_600_000;
/** Share of a pause by which it may be longer, so that deliveries that failed together do not come back together. */
const JITTER = 0.1;

/**
 * What follows a try, by Standard Webhooks: 2xx is success, 410 ends the endpoint, anything else is tried again after the
 * next pause of the schedule, and later where a 429 or 503 asks for it.
 *
 * @param triesBefore tries of this delivery before this one
 * @param draw in [0, 1)
 */
export function afterDelivery(
  { status, retryAfterMs }: DeliveryResult,
  triesBefore: number,
  scheduleSeconds: number[],
  draw: number,
): DeliveryDecision {
  if (status !== null && status >= 200 && status < 300) return { kind: 'delivered' };
  if (status === GONE) return { kind: 'disable', reason: 'the receiver answered 410 Gone' };
  const pause = scheduleSeconds[triesBefore];
  if (pause === undefined) return { kind: 'failed', reason: `not delivered in ${triesBefore + 1} tries` };
  const asked = status === 429 || status === 503 ? Math.min(retryAfterMs ?? 0, LONGEST_RETRY_AFTER_MS) : 0;
  return { kind: 'retry', delayMs: Math.round(Math.max(pause * 1000, asked) * (1 + JITTER * draw)) };
}

/** The longest pause that may be decided on, in ms. */
export function longestPauseMs(scheduleSeconds: number[]): number {
  return Math.max(LONGEST_RETRY_AFTER_MS, ...scheduleSeconds.map((seconds) => seconds * 1000)) * (1 + JITTER);
}

/** Deliveries of a cell under way in one process, and how many it can have under way at once. */
export interface DeliverySlots {
  toThisEndpoint: number;
  toAll: number;
  most: number;
  /** How long the last delivery to this endpoint took, in ms; null where none has ended yet. */
  lastTookMs: number | null;
}

/** An endpoint that takes longer is slow, in ms. */
const SLOW_MS = 1000;
/** The shortest and the longest time that a delivery steps aside, in ms. */
const SHORTEST_ASIDE_MS = 100;
const LONGEST_ASIDE_MS = 60_000;

/**
 * How long a delivery steps aside for those to other endpoints, in ms; 0 where it may begin. An endpoint that is slow, or not known yet, has at
 * most as many slots as are then left free: so none can hold all for longer than one delivery may take, and of 50 slots it takes six that are
 * slow. What has waited long steps aside for as long again, so that a backlog is not looked through all the time. While an endpoint is sent more
 * than it takes, newer deliveries may go first.
 *
 * @param waitedMs how long ago the delivery was asked for
 * @param draw in [0, 1)
 */
export function stepAsideMs({ toThisEndpoint, toAll, most, lastTookMs }: DeliverySlots, waitedMs: number, draw: number): number {
  const isSlow = (lastTookMs ?? Infinity) > SLOW_MS;
  if (!isSlow || toThisEndpoint < most - toAll) return 0;
  const longest = Math.min(Math.max(waitedMs, SHORTEST_ASIDE_MS), LONGEST_ASIDE_MS);
  return Math.round(longest * (1 - draw / 2));
}
