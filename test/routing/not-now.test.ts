import { isProbed, whyNotNow } from '@upshift/routing';
import { describe, expect, test } from 'vitest';

import { LOW, NOON } from './example.ts';

const healthy = { providersOff: {}, circuitsOpen: {} };
const denied = { ...healthy, providersOff: { openai: 'no credit' }, providersDenied: { openai: NOON + 40_000 } };

describe('a model that all processes have heard of', () => {
  test('may be called where nobody has said anything', () => expect(whyNotNow(LOW, healthy, NOON)).toBeNull());
  test('is left alone until the denial of its account lapses', () => {
    expect(whyNotNow(LOW, denied, NOON)).toMatchObject({ code: 'provider_denied', retryAfterMs: 40_000 });
    expect(whyNotNow(LOW, denied, NOON)?.message).toContain('no credit');
    expect(whyNotNow(LOW, denied, NOON + 40_000)).toBeNull();
    expect(whyNotNow('anthropic/other', denied, NOON)).toBeNull();
  });
  test('is left alone as long as its provider is off, which no time mends', () => {
    const off = { ...healthy, providersOff: { openai: 'OPENAI_API_KEY is not set' } };
    expect(whyNotNow(LOW, off, NOON)).toMatchObject({ code: 'provider_off', retryAfterMs: null });
  });
  test('is left alone while its circuit is open, and probed when that time has passed', () => {
    const open = { ...healthy, circuitsOpen: { [LOW]: NOON + 8000 } };
    expect(whyNotNow(LOW, open, NOON)).toMatchObject({ code: 'circuit_open', retryAfterMs: 8000 });
    expect(whyNotNow(LOW, open, NOON + 8000)).toBeNull();
    expect([isProbed(LOW, open, NOON + 7999), isProbed(LOW, open, NOON + 8000)]).toEqual([false, true]);
    const lapsed = { ...healthy, circuitsProbing: [LOW] };
    expect([whyNotNow(LOW, lapsed, NOON), isProbed(LOW, lapsed, NOON)]).toEqual([null, true]);
  });
});
