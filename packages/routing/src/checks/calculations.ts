import { equationsOf } from '../scorer/arithmetic.ts';
import type { Equation } from '../scorer/arithmetic.ts';

/**
 * The calculations of an answer, without those that only seem wrong because their words are not read. The scorer sees these too: it has learnt of
 * answers with them, and without them it ordered answers no better.
 */
export function calculationsOf(text: string): Equation[] {
  return equationsOf(readable(text)).filter((equation) => equation.holds || !isMeantOtherwise(equation));
}

/** In a number's place, and none that can be calculated with: 23:00, 8 choose 2, 16(2/3), 0x1F, 19th, 6 am, 2xy, (2/3)x, π, and a lone letter. */
const NO_NUMBER = new RegExp(
  [
    String.raw`(?<![\d:])\d{1,2}(?::\d\d){1,2}(?![\d:])|\d{1,9} choose \d|\d{1,9}\(\d{1,9}\/\d{1,9}\)|\b0x[\da-f]+`,
    String.raw`(?<=\d)(?:st|nd|rd|th)\b|(?<![\d.])\d{1,2} ?[ap]\.?m\b|(?<=\d)[xyz]{2,3}(?![a-z])|(?<=\))[a-z](?![a-z\d($])|(?<![a-z\\])pi(?![a-z])`,
    String.raw`(?<![a-z\d\\/'’]|[\d/] )[a-z](?=[ $]*[-+*/=])`,
  ].join('|'),
  'gi',
);
/** Between numbers: `50 people (day 1) + 20 people`. */
const REMARK = /(?<=\d[a-zA-Z ]{0,20})\((?:\d{1,9}(?:-|% ))?[a-zA-Z]{2}[^()+*/=\n]{0,100}\)(?= *[-+*/=×])/g;

function readable(text: string): string {
  return (
    text
      .replaceAll(/[\u00a0\u2009\u202f]/g, ' ')
      .replaceAll(/(?<=\d)['’](?=\d{3}(?!\d))| (?=%)/g, '')
      .replaceAll(/[¥₹₩]/g, '$')
      .replaceAll(REMARK, ' ')
      // As in half-gallon.
      .replaceAll(/(?<=[a-zA-Z]{2})-(?=[a-zA-Z])/g, ' ')
      .replaceAll(NO_NUMBER, '@')
  );
}

function isMeantOtherwise(equation: Equation): boolean {
  return isOfOtherWords(equation) || isOfOtherUnits(equation);
}

/** As in `20% of 50 + 5`, `2 million * 3` and `500 * 2,000 = 1 million`. */
const OF_ANOTHER = /(?:[\d%]|percent|half|thirds?|quarters?|fourths?|fifths?|tenths?) of \(?\p{Sc}?\d/iu;
const SCALE = /\d\s?(?:dozen|hundred|thousand|million|billion|trillion)s?\b/i;
/** The result, and the word behind it. */
const RESULT = /^\D{0,6}[\d.,]+ ?[a-zA-Z]*/;

function isOfOtherWords({ before, after }: Equation): boolean {
  return OF_ANOTHER.test(before) || SCALE.test(before) || SCALE.test(RESULT.exec(after)?.[0] ?? '');
}

const UNIT =
  /\d\s*(hour|hr|h|minute|min|second|sec|s|ms|day|week|month|year|kg|gram|g|mg|km|meter|cm|mm|m|feet|foot|ft|inch|in|pound|lb|ounce|oz|cent|dollar|liter|ml|l|gallon|quart|pint|cup|(?:[kmgt]i?)?(?:byte|bit|b))(?:e?s)?\b|([$€£])\d/gi;
/** So many of one unit are one of another; not 10, by which results are wrong as often. */
const PER_UNIT = [4, 7, 12, 16, 24, 30, 52, 60, 100, 365, 1000, 1024, 3600, 1e6, 1024 ** 2, 1e9, 1024 ** 3];
/** Results are rounded. */
const TOLERANCE = 0.006;

/** As in `6 feet + 2 inches = 6 feet 2 inches`, `4 * 250 g = 1 kg` and `8 * 1024 = 8 KB`. */
function isOfOtherUnits({ before, after, actual, stated }: Equation): boolean {
  const units = unitsIn(before);
  if (units.size > 1 && /[-+]/.test(before)) return true;
  const [unit] = unitsIn(RESULT.exec(after)?.[0] ?? '');
  if (unit === undefined || units.has(unit)) return false;
  const ratios = [actual / stated, stated / actual];
  return PER_UNIT.some((per) => ratios.some((ratio) => Math.abs(ratio / per - 1) <= TOLERANCE));
}

function unitsIn(text: string): Set<string> {
  return new Set(Array.from(text.matchAll(UNIT), ([, unit, sign]) => (unit ?? sign!).toLowerCase()));
}
