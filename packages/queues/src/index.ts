export { advance, configOf } from './advance.ts';
export type { Advanced } from './advance.ts';
export { UnfitRedisError } from './connection.ts';
export { consume, done } from './consume.ts';
export type { Consumer, Outcome, StepContext } from './consume.ts';
export { closeCircuit, openCircuit, PROVIDER_HEARTBEAT_MS, publishProviders, readHealth } from './health.ts';
export { measureQueues, queueNames, redisReadiness, unfinishedJobs } from './inspect.ts';
export { accept, readAnswer, readJob, readRequest, readTrail } from './job-store.ts';
export type { Accepted } from './job-store.ts';
export { leaseOf } from './lease.ts';
export {
  CLASSIFY_QUEUE,
  decodeModelId,
  encodeModelId,
  FALLBACK_QUEUE,
  isJobId,
  modelQueue,
  parseModelQueue,
  SCORE_QUEUE,
} from './names.ts';
export { closePipeline, openPipeline, queueOf } from './pipeline.ts';
export type { Pipeline } from './pipeline.ts';
export { listenToSignals } from './signals.ts';
export type { Signals } from './signals.ts';
export { expireJobs, reconcile } from './upkeep.ts';
