import { numbersOf, SCALES, writtenNumber } from '../scorer/read-final.ts';

const scales: typeof SCALES = { hundred: 100, ...SCALES };
/** Number words below a hundred; tens are put before units, as in `twenty-two`. */
export const units =
  'one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
export const tens = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');
const words = new Map([
  ...units.map((word, index) => [word, index + 1] as const),
  ...tens.map((word, index) => [word, 20 + 10 * index] as const),
]);
const word = `(?:${[...words.keys(), ...Object.keys(scales)].toReversed().join('|')})`;
const inWords = new RegExp(String.raw`\b${word}(?:[\s-]{1,2}(?:and )?${word}){0,20}\b`, 'gi');
const scaled =
  /(?<![\d.,])(\d{1,15}(?:,\d{3}){0,5}(?:\.\d{1,9})?)(?:[\s-](hundred|thousand|million|billion|trillion)|(k|m|bn|b))\b/gi;
/** As they stand behind a number without a space: `$1.5M`. */
const short: typeof SCALES = { k: 1e3, m: 1e6, bn: 1e9, b: 1e9 };

/** Signs of groups other than the comma, which `numbersOf` knows. */
const GROUPS = /(?<=\d)[ \u00a0\u202f'’](?=\d{3}(?!\d))/g;

/** All numbers that a text tells, in digits (also `10 000` and `1.299,50`), in words, and with a scale behind them, as in `1.5 million`. */
export function numbersTold(text: string): Set<number> {
  const joined = text.replaceAll(GROUPS, '');
  return new Set([
    ...[text, joined, withDecimalPoints(joined)].flatMap(numbersOf).map(writtenNumber),
    ...scaledIn(text).values(),
    ...(text.match(inWords) ?? []).map(valueOfWords),
  ]);
}

/** `1.299,50` as `1299.50`: what separates thousands and decimals there stands for the other here. */
function withDecimalPoints(text: string): string {
  return text.replaceAll(/(?<=\d)\.(?=\d{3}(?!\d))/g, '').replaceAll(/(?<=\d),(?=\d{1,2}(?!\d))/g, '.');
}

/** What numbers with a scale behind them come to, by how they are written without it. */
export function scaledIn(text: string): Map<string, number> {
  // Rounded, for 1.1 times a million is a little more than 1,100,000.
  return new Map(
    [...text.matchAll(scaled)].map(([, number = '', word, sign = '']) => {
      const scale = word === undefined ? short[sign.toLowerCase()]! : scales[word.toLowerCase()]!;
      return [number, Number((writtenNumber(number) * scale).toPrecision(12))];
    }),
  );
}

/** What a number in words comes to. */
export function valueOfWords(told: string): number {
  let [all, group] = [0, 0];
  for (const part of told.toLowerCase().split(/[\s-]+/)) {
    const scale = scales[part];
    if (scale === undefined) group += words.get(part) ?? 0;
    else if (scale === 100) group = Math.max(1, group) * scale;
    else [all, group] = [all + Math.max(1, group) * scale, 0];
  }
  return all + group;
}
