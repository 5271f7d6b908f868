import type { EmbeddingInput, UnifiedResponse } from '@upshift/contracts';
import { annotate } from '@upshift/runtime';

import { vectorsOf } from '../../vectors.ts';
import { sendOptions } from './openai-call.ts';
import type { OpenaiCall } from './openai-call.ts';
import { embeddingUsage } from './openai-usage.ts';

/** One vector per text, in the order of the texts. */
export async function embed(call: OpenaiCall): Promise<UnifiedResponse> {
  const { client, provider, request, control } = call;
  const { texts } = request.input as EmbeddingInput;
  const { data: answer, request_id: requestId } = await client.embeddings
    // Without a format the SDK asks for base64, which compatible servers may not know.
    .create({ model: request.model, input: texts, encoding_format: 'float' }, sendOptions(call))
    .withResponse();
  control.throwIfStopped();
  annotate({ 'gen_ai.response.model': answer.model });

  const rows = (answer.data ?? []).toSorted((first, second) => first.index - second.index);
  const found = rows.map((row) => row.embedding);
  return {
    text: '',
    toolCalls: [],
    vectors: vectorsOf(provider, found, texts, requestId),
    finishReason: 'stop',
    usage: embeddingUsage(answer.usage),
    providerRequestId: requestId,
  };
}
