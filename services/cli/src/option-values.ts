import { idempotencyKey } from '@upshift/contracts';
import { InvalidArgumentError } from 'commander';
import { z } from 'zod';

/** The port of the job API: those of the other programs follow it, up to 65535. */
export function portNumber(text: string): number {
  const port = Number(text);
  if (text.trim() !== '' && Number.isInteger(port) && port >= 0 && port <= 65_500) return port;
  throw new InvalidArgumentError('a port is a whole number from 0 to 65500.');
}

const zoned = { local: true, offset: true };
/** The library takes a time to the minute with a zone only where it is told that there are no seconds. */
const isoTime = z.union([z.iso.date(), z.iso.datetime(zoned), z.iso.datetime({ ...zoned, precision: -1 })]);

/** In ms since 1970. JavaScript alone takes 7 for a July and 31 February for a March. */
export function time(text: string): number {
  if (isoTime.safeParse(text).success) return Date.parse(text);
  throw new InvalidArgumentError('a time is as in 2026-11-23 or 2026-11-23T12:00:00Z.');
}

/** A share of something, in (0, 1]. */
export function targetShare(text: string): number {
  const share = Number(text);
  if (share > 0 && share <= 1) return share;
  throw new InvalidArgumentError('a share is a number above 0 and at most 1, as 0.97.');
}

/** An amount of USD. */
export function positiveUsd(text: string): number {
  const usd = Number(text);
  if (usd > 0 && Number.isFinite(usd)) return usd;
  throw new InvalidArgumentError('an amount of USD is a number above 0, as 5.');
}

/** A key as a header can carry it. */
export function keyText(text: string): string {
  const { error } = idempotencyKey.safeParse(text);
  if (error === undefined) return text;
  throw new InvalidArgumentError(`it ${error.issues[0]?.message}.`);
}

/** A number of something, which the error names, from 1. */
export function wholeNumber(of: string): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (Number.isInteger(number) && number >= 1) return number;
    throw new InvalidArgumentError(`a number of ${of} is a whole number from 1.`);
  };
}
