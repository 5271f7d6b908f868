import type { Capability, ModelConfig, PublishedModel } from '@upshift/contracts';

/** Where a model's declaration promises what its provider does not, in words; a provider that says nothing disagrees with nothing. */
export function disagreements(model: ModelConfig, published: PublishedModel | undefined): string[] {
  if (published === undefined) return ['is not in the provider’s list'];
  return [
    ...tooLarge('context_window', model.context_window, published.contextWindow),
    ...tooLarge('max_output_tokens', model.max_output_tokens, published.maxOutputTokens),
    ...missing(model.capabilities, published.capabilities),
    ...(published.retiresAt === null ? [] : [`will not be served from ${published.retiresAt} on`]),
  ];
}

function tooLarge(key: string, declared: number, published: number | null): string[] {
  return published !== null && declared > published ? [`${key} is ${declared}, the provider says ${published}`] : [];
}

function missing(declared: Capability[], published: PublishedModel['capabilities']): string[] {
  return declared.flatMap((capability) => (published[capability] === false ? [`${capability}: the provider says no`] : []));
}
