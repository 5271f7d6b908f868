import { splitModelId } from '@upshift/contracts';
import { readCatalogues } from '@upshift/models';
import { disagreements } from '@upshift/routing';
import type { ProviderSettings, ServiceContext } from '@upshift/runtime';

/** Asks the providers for their models once, and logs where a declaration of this tier's models promises more. The sandbox has no say. */
export async function warnOfDisagreements(
  { config, environment, logger }: ServiceContext,
  tier: string,
  providers: ProviderSettings[],
): Promise<void> {
  if (environment.raw['UPSHIFT_SANDBOX_URL']) return;
  const declared = Object.entries(config.models).filter(([, model]) => model.tier === tier);
  const catalogues = await readCatalogues(
    providers,
    declared.map(([id]) => id),
  );
  for (const [id, model] of declared) {
    const { provider, name } = splitModelId(id);
    const heard = catalogues.find((one) => one.provider === provider && one.error === null);
    const found =
      heard &&
      disagreements(
        model,
        heard.models.find((one) => one.name === name),
      );
    for (const words of found ?? []) logger.warn({ model: id, disagreement: words }, 'the provider says otherwise');
  }
}
