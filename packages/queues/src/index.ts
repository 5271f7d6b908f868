export { accept, acceptAll } from './accept.ts';
export type { Accepted, Asked } from './accept.ts';
export { advance, configOf } from './advance.ts';
export type { Advanced } from './advance.ts';
export type { DeliveryPayload } from './catalogue.ts';
export { closeCells, consumedCells, openCells, retireCells } from './cells/cells.ts';
export type { Cells } from './cells/cells.ts';
export { consume, done, putBack } from './consume.ts';
export type { Consumer, Outcome, StepContext } from './consume.ts';
export { consumeDeliveries } from './consume-deliveries.ts';
export type { DeliveryOutcome } from './consume-deliveries.ts';
export {
  changeDelivery,
  deliveryViewOf,
  lastDelivery,
  listDeliveries,
  readDelivery,
  redeliver,
  undelivered,
} from './deliveries.ts';
export type { Delivery } from './deliveries.ts';
export { compareIds, missedEvents, openEventFeed, readEvents } from './event-feed.ts';
export type { EventFeed, FeedEvent, FeedNews, JobNews } from './event-feed.ts';
export { commandExperimentByName } from './experiments/command.ts';
export type { ExperimentCommand } from './experiments/command.ts';
export { evaluateExperiments } from './experiments/evaluator.ts';
export type { ExperimentRecord } from './experiments/record.ts';
export { createExperiment, readExperiment, readExperiments } from './experiments/store.ts';
export { experimentBody, experimentSummaryOf, experimentViewOf } from './experiments/view.ts';
export { forgetJobs } from './forget.ts';
export {
  closeCircuit,
  denyProvider,
  openCircuit,
  probeOf,
  PROVIDER_HEARTBEAT_MS,
  providersHeardOf,
  publishProviders,
  readHealth,
} from './health.ts';
export { measureQueues, overCells, queueNames, readQueues, redisReadiness, unfinishedJobs } from './inspect.ts';
export type { QueueState } from './inspect.ts';
export { readAnswer, readJob, readRequest, readVerified, verifiedField } from './job-store.ts';
export { forgetLabels, keepLabel, readLabels, seenField } from './labels.ts';
export { leaseOf } from './lease.ts';
export { dropFromIndexes, listJobs } from './list-jobs.ts';
export type { JobFilter } from './list-jobs.ts';
export {
  CLASSIFY_QUEUE,
  decodeModelId,
  DELIVER_QUEUE,
  encodeModelId,
  FALLBACK_QUEUE,
  isJobId,
  modelQueue,
  parseModelQueue,
  SCORE_QUEUE,
} from './names.ts';
export { readStuck, STUCK_AFTER_MS } from './stuck.ts';
export type { Stuck } from './stuck.ts';
export { queueOf } from './pipeline.ts';
export type { Connection, Pipeline } from './pipeline.ts';
export { leaveQuarantine, listQuarantined } from './quarantine.ts';
export { earnRetries, holdBack, learnedLimits, learnLimits, reservePlace, reserveRetry, settlePlace } from './rate-limits.ts';
export type { Place } from './rate-limits.ts';
export { isRedisAway } from './redis-away.ts';
export { keepSavings, readSavings } from './savings.ts';
export { listenToSignals } from './signals.ts';
export type { Signals } from './signals.ts';
export { readView } from './read-view.ts';
export { minuteOf } from './minute.ts';
export { readStats } from './stats.ts';
export type { MinuteStats } from './stats.ts';
export { readTrail } from './trail.ts';
export { UnfitRedisError } from './unfit-redis-error.ts';
export { expireJobs, reconcile } from './upkeep.ts';
export {
  createWebhook,
  deleteWebhook,
  disableWebhook,
  enableWebhook,
  isSameEndpoint,
  listWebhooks,
  outsideOf,
  readOutside,
  readWebhook,
  rotateWebhook,
  withoutSecrets,
} from './webhooks.ts';
export type { Webhook } from './webhooks.ts';
