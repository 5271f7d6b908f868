import type { RateLimit, UpshiftConfig } from '@upshift/contracts';
import { splitModelId } from '@upshift/contracts';

/** Output that a call is expected to have where it may have more, in tokens: what is too much is given back when it has ended. */
const USUAL_OUTPUT_TOKENS = 1000;

/** What a call takes of a limit. */
interface Taken {
  provider: string;
  /** Null for the limit of the whole account. */
  model: string | null;
  limit: RateLimit;
  tokens: number;
}

/** The declared limits under which a call stands, the model's and its account's, and how long its job may wait for both. */
export function placesOf(
  config: UpshiftConfig,
  model: string,
  call: { inputTokens: number; maxOutputTokens: number },
): { places: Taken[]; mostMs: number } {
  const { provider } = splitModelId(model);
  const tokens = call.inputTokens + Math.min(call.maxOutputTokens, USUAL_OUTPUT_TOKENS);
  const declared = [
    { model: null, limit: config.providers[provider]?.rate_limit },
    { model, limit: config.models[model]?.rate_limit },
  ];
  const places = declared.flatMap(({ model: of, limit }) => (limit ? [{ provider, model: of, limit, tokens }] : []));
  return { places, mostMs: Math.min(...places.map(({ limit }) => limit.max_wait_s * 1000)) };
}
