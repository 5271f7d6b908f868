import type { PublishedModel } from '@upshift/contracts';
import type OpenAI from 'openai';

import { underControl } from '../../call-control.ts';
import type { CallControl } from '../../call-control.ts';

/** What compatible servers add: vLLM, Groq, OpenRouter. */
interface Additions {
  max_model_len?: number;
  context_window?: number;
  context_length?: number;
  max_completion_tokens?: number;
}

/** OpenAI itself says names and the dates of their end only. */
export async function openaiCatalogue(client: OpenAI, control: CallControl): Promise<PublishedModel[]> {
  const { data } = await client.models.list(underControl(control));
  return data.map((model: OpenAI.Model & Additions) => ({
    name: model.id,
    contextWindow: model.max_model_len ?? model.context_window ?? model.context_length ?? null,
    maxOutputTokens: model.max_completion_tokens ?? null,
    capabilities: {},
    retiresAt: model.shutdown_date ?? null,
  }));
}
