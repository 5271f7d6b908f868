import type { UpshiftConfig } from '@upshift/contracts';

/** The variable that holds the key under which the sandbox is called. */
export const PLAY_KEY = 'UPSHIFT_PLAY_KEY';

const NO_LIMIT_S = 3600;

/**
 * The configuration under which recorded answers are played: every provider is the sandbox, nobody is told of ends, and no
 * time runs out, because recorded answers come at once and the machine that plays them is another one.
 */
export function playConfigOf(config: UpshiftConfig, sandboxUrl: string): UpshiftConfig {
  return {
    ...config,
    providers: mapValues(config.providers, ({ adapter, api, enabled }, id) => ({
      adapter,
      api,
      enabled,
      api_key_env: PLAY_KEY,
      base_url: `${sandboxUrl}/as/${id}/${adapter === 'openai' ? 'openai/v1' : adapter}`,
    })),
    models: mapValues(config.models, ({ rate_limit: _limit, slow_call_s: _slow, ...model }) => ({
      ...model,
      call_timeout_s: NO_LIMIT_S,
      idle_timeout_s: NO_LIMIT_S,
    })),
    // A hedge is sent by the time that a call takes.
    routes: mapValues(config.routes, ({ webhook: _webhook, deadline_s: _deadline, ...route }) => ({ ...route, hedge: false })),
    intake: { ...config.intake, max_backlog: Number.MAX_SAFE_INTEGER },
    retention: { job_hours: 168, idempotency_hours: 168 },
    recording: { enabled: false, redact: [] },
  };
}

function mapValues<In, Out>(values: Record<string, In>, change: (value: In, name: string) => Out): Record<string, Out> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value, name)]));
}
