import { costOf } from '@upshift/routing';

import type { Generation } from '../sandbox/ledger.ts';
import type { Fleet } from './fleet.ts';

/** What the vendors have generated for a job, in their order. */
export function generationsOf({ sandbox }: Fleet, jobId: string): Generation[] {
  return sandbox.ledger.generations.filter(({ client_request_id: id }) => id?.startsWith(`${jobId}.`));
}

/** What the vendors would bill for a job, in USD. */
export function billOf(fleet: Fleet, jobId: string): number {
  const { models } = fleet.config();
  const nanoUsd = generationsOf(fleet, jobId).map(
    (generation) => costOf(usageOf(generation), models[generation.model], Date.now()) ?? 0,
  );
  return nanoUsd.reduce((sum, cost) => sum + cost, 0) / 1e9;
}

function usageOf({ input_tokens: inputTokens, output_tokens: outputTokens }: Generation) {
  return { inputTokens, outputTokens, cachedInputTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 };
}
