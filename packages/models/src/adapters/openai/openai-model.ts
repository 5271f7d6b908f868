import { isEmbedding } from '@upshift/contracts';
import type { ProviderSettings } from '@upshift/runtime';
import OpenAI from 'openai';

import type { Adapter } from '../../adapter.ts';
import { controlledFetch, withoutForeignHeaders } from '../../call-control.ts';
import { openaiCatalogue } from './openai-catalogue.ts';
import { askChatCompletions } from './openai-chat-completions.ts';
import { embed } from './openai-embeddings.ts';
import { openaiFailure, refusalOf } from './openai-error.ts';
import { askResponses } from './openai-responses.ts';

/** OpenAI through the Responses API, servers compatible with it through chat completions, and embeddings of both. */
export function createOpenaiAdapter(settings: ProviderSettings): Adapter {
  const { id: provider, unknownParameters } = settings;
  const ask = settings.api === 'responses' ? askResponses : askChatCompletions;
  const client = clientOf(settings);
  return {
    call(request, control) {
      const call = { client, provider, unknownParameters, request, control };
      return isEmbedding(request.input) ? embed(call) : ask(call).catch(refusalOf);
    },
    catalogue: (_, control) => openaiCatalogue(client, control),
    failureOf: openaiFailure,
  };
}

function clientOf(settings: ProviderSettings): OpenAI {
  const client = new OpenAI({
    // The SDK wants a key; a server without keys ignores the word.
    apiKey: settings.apiKey ?? 'none',
    // Nulls, because the SDK would read the environment.
    adminAPIKey: null,
    organization: null,
    project: null,
    baseURL: settings.baseUrl ?? 'https://api.openai.com/v1',
    fetch: controlledFetch,
    // Retries are the queue's; the SDK would ignore a retry-after above 60 s.
    maxRetries: 0,
    logLevel: 'off',
  });
  return withoutForeignHeaders(client);
}
