import { numbersOf, writtenNumber } from '../scorer/read-final.ts';
import { no, yes } from './finding.ts';
import type { Finding } from './finding.ts';
import { languageOf } from './language.ts';
import { numbersTold, scaledIn } from './numbers-told.ts';

/** Numbers up to here count things, and need not stand in the source. */
const SMALL = 10;
/** Numbers of so many digits are of telephones, cards and the like, which are written with and without signs between them. */
const IDENTIFIER = 7;
/** Dates are written in several ways: `2025-01-15`, `15 Jan`. */
const months = 'January February March April May June July August September October November December'.split(' ');
/** So many numbers and so many names are looked for, each in the whole source, which may be as long as a book. */
const MOST = 300;
/** So many missing words are named. */
const NAMED = 3;

/** Numbers and names of the answer stand in the prompt, which holds the source. For extraction and summaries. */
export function grounded(prompt: string, text: string): Finding {
  const source = prompt.normalize('NFC').toLowerCase();
  const sourceNumbers = numbersTold(prompt);
  const digits = source.replaceAll(/\D/g, '');
  const answer = text.normalize('NFC');
  const scaled = scaledIn(answer);
  const isTold = (number: string): boolean =>
    sourceNumbers.has(writtenNumber(number)) ||
    sourceNumbers.has(scaled.get(number) ?? NaN) ||
    source.includes(number) ||
    (number.length >= IDENTIFIER && digits.includes(number));
  const isNamed = (name: string): boolean => {
    const month = months.indexOf(name) + 1;
    const told = month > 0 ? name.slice(0, 3) : name;
    return source.includes(told.toLowerCase()) || (month > 0 && sourceNumbers.has(month));
  };
  // Of German, where all nouns are capitalized, no names can be told.
  const names = [prompt, text].some((one) => languageOf(one) === 'de') ? [] : namesIn(answer);
  const facts = [
    ...[...new Set(numbersOf(withoutListMarks(answer)))]
      .filter((number) => Math.abs(writtenNumber(number)) > SMALL)
      .slice(0, MOST)
      .map((number) => ({ fact: number, isThere: isTold(number) })),
    ...names.slice(0, MOST).map((name) => ({ fact: name, isThere: isNamed(name) })),
  ];
  const strange = facts.filter(({ isThere }) => !isThere).map(({ fact }) => fact);
  if (facts.length === 0) return yes('has no numbers and no names');
  if (strange.length === 0) return yes(`${facts.length} numbers and names stand in the source`);
  const more = strange.length > NAMED ? ` and ${strange.length - NAMED} more` : '';
  return no(`not in the source: ${strange.slice(0, NAMED).join(', ')}${more}`, 1 - strange.length / facts.length);
}

function withoutListMarks(text: string): string {
  // Not over lines: many empty ones would be read again from each of them.
  return text.replaceAll(/^[^\S\n]*\d+[.)]\s/gm, '');
}

/** Capitalized words that do not begin a sentence or a line, and all of those in the values of JSON. */
function namesIn(text: string): string[] {
  const inside = [...text.matchAll(/(?<=[\p{Ll}\d,;)] )\p{Lu}[\p{Ll}'’-]+/gu)].map(([word]) => word);
  const ofJson = [...text.matchAll(/:\s*"([^"\n]{1,200})"/g)].flatMap(
    ([, value = '']) => value.match(/\p{Lu}[\p{Ll}'’-]+/gu) ?? [],
  );
  // Without what English puts behind an apostrophe; of `I'm`, no name is left.
  const bare = [...inside, ...ofJson].map((name) => name.replace(/['’]\p{Ll}{0,2}$/u, ''));
  return [...new Set(bare)].filter((name) => name.length > 1);
}
