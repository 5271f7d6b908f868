import { setTimeout as pause } from 'node:timers/promises';

import { runService } from '@upshift/runtime';

import { startWorker } from '../../services/worker/src/worker.ts';
import { answer } from './prompts.ts';

/** The worker as it is, with a model that answers after so many ms without a call: what is measured is the way to it and back. */
const latencyMs = Number(process.env['BENCH_MODEL_MS'] ?? 0);

await runService('worker', (context) =>
  startWorker(context, () => ({
    async call() {
      if (latencyMs > 0) await pause(latencyMs);
      return {
        text: answer,
        toolCalls: [],
        vectors: null,
        finishReason: 'stop',
        providerRequestId: null,
        usage: { inputTokens: 256, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 1, reasoningTokens: 0 },
      };
    },
  })),
);
