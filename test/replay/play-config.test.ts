import { upshiftConfig } from '@upshift/contracts';
import { expect, test } from 'vitest';

import { playConfigOf } from '../../services/cli/src/replay/play-config.ts';
import { replayConfig } from './config.ts';

test('a replay is bounded by no limit and no time of the configuration that is tried, and hedges nothing', () => {
  const config = upshiftConfig.parse(replayConfig);
  const rateLimit = { requests_per_minute: 1, max_wait_s: 1 };
  for (const model of Object.values(config.models)) Object.assign(model, { rate_limit: rateLimit, slow_call_s: 1 });
  Object.assign(config.routes['default']!, { hedge: true, deadline_s: 1 });
  config.intake.max_backlog = 1;
  const played = upshiftConfig.parse(playConfigOf(config, 'http://sandbox'));
  for (const model of Object.values(played.models)) {
    expect(model).not.toHaveProperty('rate_limit');
    expect(model).not.toHaveProperty('slow_call_s');
  }
  expect(played.routes['default']).toMatchObject({ hedge: false });
  expect(played.routes['default']).not.toHaveProperty('deadline_s');
  expect(played.intake).toEqual({ ...config.intake, max_backlog: Number.MAX_SAFE_INTEGER });
});
