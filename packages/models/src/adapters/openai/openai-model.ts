import { isEmbedding } from '@upshift/contracts';
import type { ProviderSettings } from '@upshift/runtime';
import OpenAI from 'openai';

import type { Adapter } from '../../adapter.ts';
import type { CallControl } from '../../call-control.ts';
import { askChatCompletions } from './openai-chat-completions.ts';
import { embed } from './openai-embeddings.ts';
import { openaiError } from './openai-error.ts';
import { askResponses } from './openai-responses.ts';

/** OpenAI through the Responses API, servers compatible with it through chat completions, and embeddings of both. */
export function createOpenaiAdapter(settings: ProviderSettings): Adapter {
  const ask = settings.api === 'responses' ? askResponses : askChatCompletions;
  return {
    async call(request, control) {
      const client = clientFor(settings, request.requestId, control);
      try {
        return await (isEmbedding(request.input) ? embed : ask)({ client, provider: settings.id, request, control });
      } catch (error) {
        throw openaiError(settings.id, error);
      }
    },
  };
}

/** One client per call: the fetch that it sends with belongs to the call. Connections are pooled beneath it. */
function clientFor(settings: ProviderSettings, requestId: string, control: CallControl): OpenAI {
  return new OpenAI({
    // The SDK wants a key; a server without keys ignores the word.
    apiKey: settings.apiKey ?? 'none',
    // Nulls, because the SDK would read the environment.
    adminAPIKey: null,
    organization: null,
    project: null,
    baseURL: settings.baseUrl ?? 'https://api.openai.com/v1',
    defaultHeaders: { 'x-client-request-id': requestId },
    fetch: control.fetch,
    timeout: control.timeoutMs,
    // Retries are the queue's; the SDK would ignore a retry-after above 60 s.
    maxRetries: 0,
    logLevel: 'off',
  });
}
