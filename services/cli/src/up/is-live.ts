import type { UpshiftConfig } from '@upshift/contracts';
import { resolveProviders } from '@upshift/runtime';
import type { Environment } from '@upshift/runtime';

/**
 * Live with a provider's key, or a provider that the configuration itself gives an address. An address in the environment alone
 * (OLLAMA_HOST stands on many machines) does not switch the sandbox off.
 */
export function isLive(config: UpshiftConfig, environment: Environment): boolean {
  const on = resolveProviders(config, environment.raw).filter(({ off }) => off === null);
  return on.some(({ id, apiKey }) => apiKey !== null || config.providers[id]?.base_url !== undefined);
}
