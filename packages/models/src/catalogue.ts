import { ModelCallError, splitModelId } from '@upshift/contracts';
import type { PublishedModel } from '@upshift/contracts';
import type { ProviderSettings } from '@upshift/runtime';

import { adapters } from './adapters/index.ts';
import { CallControl } from './call-control.ts';

/** A list is short and at hand: a provider that takes longer is not waited for. In ms. */
const TIMEOUT_MS = 10_000;
/** Some compatible servers list many hundreds of models, with descriptions. */
const LONGEST_LIST_BYTES = 20_000_000;

/** What one provider says of its models, or why it says nothing. */
export interface Catalogue {
  provider: string;
  models: PublishedModel[];
  error: string | null;
}

/** Asks every provider that is on for its models; `modelIds` are those that the configuration declares. */
export function readCatalogues(providers: ProviderSettings[], modelIds: string[]): Promise<Catalogue[]> {
  return Promise.all(providers.map((settings) => readCatalogue(settings, modelIds)));
}

async function readCatalogue(settings: ProviderSettings, modelIds: string[]): Promise<Catalogue> {
  const { id, off } = settings;
  if (off !== null) return { provider: id, models: [], error: off };
  const names = modelIds.map(splitModelId).flatMap(({ provider, name }) => (provider === id ? [name] : []));
  const bounds = { timeoutMs: TIMEOUT_MS, idleTimeoutMs: TIMEOUT_MS, longestAnswerBytes: LONGEST_LIST_BYTES };
  const control = new CallControl(id, { ...bounds, signal: new AbortController().signal });
  try {
    const adapter = adapters[settings.adapter](settings);
    const models = await control.run(() => adapter.catalogue(names, control), adapter.failureOf);
    return { provider: id, models, error: null };
  } catch (error) {
    // A list is a diagnosis: whatever is wrong with it may stop nobody.
    return { provider: id, models: [], error: error instanceof ModelCallError ? error.error.message : String(error) };
  }
}
