import type { upshiftConfig } from '@upshift/contracts';
import type { z } from 'zod';

import { recordedModels } from './gsm8k.ts';

/** Whom a doubtful answer is compared with: the other one of the two cheap models. */
export const agreement = { type: 'agreement' as const, models: recordedModels.slice(0, -1).map(({ id }) => id) };

/** The configuration under which recorded answers are replayed: one model per tier, and a check of the answer's form. */
export const replayConfig: z.input<typeof upshiftConfig> = {
  providers: {
    ollama: { adapter: 'ollama', base_url_env: 'OLLAMA_HOST' },
    openai: { adapter: 'openai', api_key_env: 'OPENAI_API_KEY' },
    anthropic: { adapter: 'anthropic', api_key_env: 'ANTHROPIC_API_KEY' },
  },
  models: Object.fromEntries(
    recordedModels.map(({ id, tier, input, output }) => [
      id,
      {
        tier,
        capabilities: ['structured_output', 'streaming'],
        context_window: 128_000,
        max_output_tokens: 8192,
        prices: [{ from: '2024-01-01', input, output }],
      },
    ]),
  ),
  tiers: [
    { name: 'economy', accept_at: 0.8 },
    { name: 'standard', accept_at: 0.7 },
    { name: 'premium', accept_at: 'always' },
  ],
  classifier: { thresholds: [0.3, 0.7] },
  routes: {
    default: {
      strategy: 'cascade',
      start: ['classifier'],
      checks: [
        {
          type: 'json_schema',
          schema: {
            type: 'object',
            properties: { reasoning: { type: 'string' }, answer: { type: ['string', 'number'] } },
            required: ['reasoning', 'answer'],
          },
        },
      ],
    },
  },
};
