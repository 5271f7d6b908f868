import type { HeardLimit } from '@upshift/contracts';

/** By vendor: how its headers are named, and the limits of tokens, of which the scarcest counts. */
const namings = [
  { prefix: 'x-ratelimit-', name: (what: string, unit: string) => `${what}-${unit}`, tokens: ['tokens'] },
  {
    prefix: 'anthropic-ratelimit-',
    name: (what: string, unit: string) => `${unit}-${what}`,
    tokens: ['tokens', 'input-tokens', 'output-tokens'],
  },
];

/** A limit of days is not one that jobs wait for, and a server's word is not trusted beyond that. In ms. */
const LONGEST_RESET_MS = 24 * 3_600_000;

/** The limits that an answer's headers tell, at most one of each unit; those of OpenAI, Anthropic, and whoever speaks as they do. */
export function heardLimits(headers: Headers, now: number): HeardLimit[] {
  return namings.flatMap(({ prefix, name, tokens }) => {
    const read = (unit: HeardLimit['unit'], of: string): HeardLimit[] => {
      const value = (what: string): string => headers.get(prefix + name(what, of)) ?? '';
      if (value('limit') === '') return [];
      const limit = {
        unit,
        limit: count(value('limit')),
        remaining: count(value('remaining')),
        resetMs: untilMs(value('reset'), now),
      };
      return isUsable(limit) ? [limit] : [];
    };
    return [...read('requests', 'requests'), ...scarcest(tokens.flatMap((of) => read('tokens', of)))];
  });
}

function scarcest(limits: HeardLimit[]): HeardLimit[] {
  return limits.toSorted((a, b) => a.remaining / a.limit - b.remaining / b.limit).slice(0, 1);
}

function isUsable({ limit, remaining, resetMs }: HeardLimit): boolean {
  return limit > 0 && remaining >= 0 && remaining <= limit && resetMs <= LONGEST_RESET_MS;
}

function count(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** OpenAI writes a duration (`6m0s`, `20ms`), Anthropic a time (RFC 3339). */
function untilMs(text: string, now: number): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)];
  if (parts.length > 0 && parts.map(([part]) => part).join('') === text)
    return parts.reduce((sum, [, amount, unit = '']) => sum + Number(amount) * (unitMs[unit] ?? 0), 0);
  return Math.max(0, Date.parse(text) - now);
}
