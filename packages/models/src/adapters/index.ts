import type { ProviderSettings } from '@upshift/runtime';

import type { Adapter } from '../adapter.ts';
import { createAnthropicAdapter } from './anthropic/anthropic-model.ts';
import { createOllamaAdapter } from './ollama/ollama-model.ts';
import { createOpenaiAdapter } from './openai/openai-model.ts';

/** What makes an adapter for one account, by the protocol that it speaks. */
export const adapters: Record<ProviderSettings['adapter'], (settings: ProviderSettings) => Adapter> = {
  anthropic: createAnthropicAdapter,
  ollama: createOllamaAdapter,
  openai: createOpenaiAdapter,
};
