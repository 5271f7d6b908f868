import { isBaseUrl } from '@upshift/contracts';
import type { UpshiftConfig } from '@upshift/contracts';

type Provider = UpshiftConfig['providers'][string];

/** A provider as this process can reach it. `off` says why it can not, in words. */
export interface ProviderSettings {
  id: string;
  adapter: Provider['adapter'];
  api: Provider['api'];
  unknownParameters: NonNullable<Provider['unknown_parameters']>;
  baseUrl: string | null;
  apiKey: string | null;
  off: string | null;
}

/**
 * Reads keys and addresses of all configured providers from the environment. `UPSHIFT_SANDBOX_URL` puts the provider
 * sandbox in the place of all of them: no call then leaves this machine, whatever keys are set.
 */
export function resolveProviders(config: UpshiftConfig, environment: NodeJS.ProcessEnv): ProviderSettings[] {
  const sandboxUrl = environment['UPSHIFT_SANDBOX_URL'];
  return Object.entries(config.providers).map(([id, provider]) =>
    sandboxUrl ? sandboxed(id, provider, sandboxUrl) : live(id, provider, environment),
  );
}

function sandboxed(id: string, provider: Provider, sandboxUrl: string): ProviderSettings {
  const protocol = provider.adapter === 'openai' ? 'openai/v1' : provider.adapter;
  // The sandbox takes a model to be the vendor's, unless the path names another account.
  const path = id === provider.adapter ? protocol : `as/${id}/${protocol}`;
  return {
    id,
    ...pick(provider),
    // It knows them all, and a stream whose usage is not asked for has none.
    unknownParameters: [],
    baseUrl: `${sandboxUrl.replace(/\/+$/, '')}/${path}`,
    apiKey: 'sandbox',
    off: provider.enabled ? null : switchedOff,
  };
}

function live(id: string, provider: Provider, environment: NodeJS.ProcessEnv): ProviderSettings {
  // White space around them is none of theirs: it would be sent with each call.
  const read = (name?: string): string | null => (name && environment[name]?.trim()) || null;
  const apiKey = read(provider.api_key_env);
  const baseUrl = read(provider.base_url_env) ?? provider.base_url ?? null;
  return { id, ...pick(provider), baseUrl, apiKey, off: whyOff(provider, apiKey, baseUrl) };
}

const switchedOff = 'switched off in the configuration';

/** What would fail with each call is told at once. An address is not repeated: it may hold a password. */
function whyOff(provider: Provider, apiKey: string | null, baseUrl: string | null): string | null {
  const { enabled, api_key_env: keyName, base_url_env: urlName } = provider;
  if (!enabled) return switchedOff;
  if (keyName && !apiKey) return `${keyName} is not set`;
  if (apiKey && !printable.test(apiKey)) return `${keyName} is no key: it must be printable ASCII without spaces`;
  if (urlName && !baseUrl) return `${urlName} is not set`;
  if (baseUrl === null || isBaseUrl(baseUrl, provider.adapter)) return null;
  return `${baseUrl === provider.base_url ? 'base_url' : urlName} is no URL that begins with http:// or https:// and has no ? or #`;
}

const printable = /^[!-~]+$/;

function pick({ adapter, api, unknown_parameters: unknownParameters = [] }: Provider) {
  return { adapter, api, unknownParameters };
}
