import type { ModelConfig } from '@upshift/contracts';
import { splitModelId } from '@upshift/contracts';
import { readCatalogues } from '@upshift/models';
import type { Catalogue } from '@upshift/models';
import { disagreements, priceAt } from '@upshift/routing';
import { loadConfig, resolveProviders } from '@upshift/runtime';

import { show } from '../print.ts';
import { table } from '../table.ts';

/** A declared model beside what its provider says; prices in USD per million tokens, null where none holds today. */
interface Row {
  model: string;
  tier: string;
  input_usd: number | null;
  output_usd: number | null;
  context_window: number;
  max_output_tokens: number;
  capabilities: string[];
  /** Why the provider could not be asked; null where it was. */
  unasked: string | null;
  disagreements: string[];
}

/** Lists the models of a configuration, and says what their providers' models APIs say otherwise. */
export async function models(file: string, environment: NodeJS.ProcessEnv, json: boolean): Promise<number> {
  const config = loadConfig(file);
  const catalogues = await readCatalogues(resolveProviders(config, environment), Object.keys(config.models));
  const rows = Object.entries(config.models).map(([id, model]) => rowOf(id, model, catalogues));
  return show(json, { models: rows }, linesOf(rows));
}

function rowOf(id: string, model: ModelConfig, catalogues: Catalogue[]): Row {
  const { provider, name } = splitModelId(id);
  const catalogue = catalogues.find((one) => one.provider === provider);
  const unasked = catalogue === undefined ? 'no such provider' : catalogue.error;
  const price = priceAt(model.prices, Date.now());
  return {
    model: id,
    tier: model.tier,
    input_usd: price?.input ?? null,
    output_usd: price?.output ?? null,
    context_window: model.context_window,
    max_output_tokens: model.max_output_tokens,
    capabilities: model.capabilities,
    unasked,
    disagreements:
      unasked === null
        ? disagreements(
            model,
            catalogue?.models.find((one) => one.name === name),
          )
        : [],
  };
}

function linesOf(rows: Row[]): string[] {
  const cells = rows.map((row) => [
    row.model,
    row.tier,
    row.input_usd ?? 'unknown',
    row.output_usd ?? 'unknown',
    row.context_window,
    row.max_output_tokens,
    row.capabilities.join(' '),
  ]);
  const notes = rows.flatMap(({ model, unasked, disagreements: found }) =>
    unasked === null ? found.map((words) => `${model}: ${words}`) : [`${model}: the provider was not heard: ${unasked}`],
  );
  const head = ['model', 'tier', '$/M in', '$/M out', 'context', 'output', 'capabilities'];
  return [...table(head, cells), '', ...(notes.length === 0 ? ['The providers agree.'] : notes)];
}
