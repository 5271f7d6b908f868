import type Anthropic from '@anthropic-ai/sdk';
import type { PublishedModel } from '@upshift/contracts';

import { underControl } from '../../call-control.ts';
import type { CallControl } from '../../call-control.ts';

/** All models that the account may call, page by page. */
export async function anthropicCatalogue(client: Anthropic, control: CallControl): Promise<PublishedModel[]> {
  const models: PublishedModel[] = [];
  for await (const model of client.models.list({ limit: 1000 }, underControl(control))) models.push(published(model));
  return models;
}

function published({ id, max_input_tokens, max_tokens, retires_at, capabilities }: Anthropic.ModelInfo): PublishedModel {
  return {
    name: id,
    contextWindow: max_input_tokens ?? null,
    maxOutputTokens: max_tokens ?? null,
    capabilities: capabilities
      ? { vision: capabilities.image_input.supported, structured_output: capabilities.structured_outputs.supported }
      : {},
    retiresAt: retires_at ?? null,
  };
}
