import { nanoUsdToUsd, usdToNanoUsd } from '@upshift/routing';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const whole = new Intl.NumberFormat('en-US');
const large = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD' });
const small = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD', maximumSignificantDigits: 3 });
const share = new Intl.NumberFormat('en-US', { style: 'percent', maximumFractionDigits: 1 });

export function count(number: number): string {
  return whole.format(number);
}

/** `1 text`, `2,000 texts`. */
export function counted(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? '' : 's'}`;
}

/** `$12.30`; below a dollar three significant digits, because one job costs far less than a cent. */
export function money(nanoUsd: number): string {
  const usd = nanoUsdToUsd(nanoUsd);
  return (Math.abs(usd) >= 1 ? large : small).format(usd).replace('-', '−');
}

/** The same of an amount in USD. */
export function usdText(usd: number): string {
  return money(usdToNanoUsd(usd));
}

/** A part of a whole as a percentage; a dash where there is no whole. */
export function percent(part: number, of: number): string {
  return of === 0 ? '–' : share.format(part / of).replace('-', '−');
}

/** A span of time in its two largest units: `340 ms`, `2.5 s`, `3 min 5 s`, `2 d 4 h`. None below nothing, as two clocks that differ would make. */
export function duration(ms: number): string {
  if (ms < SECOND_MS) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < MINUTE_MS) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  if (ms < HOUR_MS) return inTwo(ms, MINUTE_MS, 'min', SECOND_MS, 's');
  if (ms < DAY_MS) return inTwo(ms, HOUR_MS, 'h', MINUTE_MS, 'min');
  return inTwo(ms, DAY_MS, 'd', HOUR_MS, 'h');
}

function inTwo(ms: number, unitMs: number, unit: string, lesserMs: number, lesser: string): string {
  return `${Math.floor(ms / unitMs)} ${unit} ${Math.floor((ms % unitMs) / lesserMs)} ${lesser}`;
}

/** `2026-11-24 14:03:05`, in UTC. */
export function moment(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}

/** `14:03:05`, in UTC. */
export function clock(ms: number): string {
  return moment(ms).slice(11);
}

/** The time alone where it is of the day of `now`: `14:03:05`, else `2026-11-23 14:03:05`; in UTC. */
export function recently(ms: number, now: number): string {
  return moment(ms).slice(0, 10) === moment(now).slice(0, 10) ? clock(ms) : moment(ms);
}
