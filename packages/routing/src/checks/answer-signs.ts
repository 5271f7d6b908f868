import { holdsInThousands } from '../scorer/arithmetic.ts';
import { clearFinals, finalAnswerOf } from '../scorer/extract-answer.ts';
import { optionsOf } from '../scorer/options.ts';
import { calculationsOf } from './calculations.ts';
import { fencedBlocks } from './fenced-blocks.ts';
import { no, yes } from './finding.ts';
import type { Finding } from './finding.ts';

/** Calculations that an answer shows add up. */
export function arithmetic(text: string): Finding {
  const equations = calculationsOf(text);
  const wrong = equations.filter((equation) => !equation.holds && !holdsInThousands(equation));
  const [first] = wrong;
  if (equations.length === 0) return yes('shows no calculation');
  if (first === undefined)
    return yes(`${equations.length} ${equations.length === 1 ? 'calculation adds' : 'calculations add'} up`);
  const reason = `${first.text.trim()} does not add up (${Number.isSafeInteger(first.actual) ? first.actual : Number(first.actual.toPrecision(6))})`;
  return no(reason, 1 - wrong.length / equations.length);
}

/** What an answer comes to can be told. */
export function extractable(prompt: string, text: string): Finding {
  const final = finalAnswerOf(text, prompt);
  if (final === null) return no('what it comes to can not be told');
  const value = final.value.slice(0, 80);
  if (final.marked) return yes(`comes to ${value}`);
  return { ...yes(`comes to ${value}, the last number of a text that names no final answer`), score: 0.5 };
}

/** Words after which more must come: small, as A may be the answer. */
const DANGLING_WORD = /^(?:and|or|the|a|an|of|to|in|for|with|is|are|was|then|so|because|that|which|by|from)$/;
/** Shorter lines may be an answer: `of`, `Log in`. */
const FEWEST_WORDS = 4;
/** Signs after which more must come: alone, behind a number, or a comma or colon behind a word. Others are part of a name: C++, Cl-, example.com/. */
const DANGLING_SIGN = /^[,(=*+\-/:]$|^[(\d.]+[=*+]$|[\p{L}\d"'’”)\]][,:]$|[，、：]$/u;

/** `an` and `in` end a German sentence. */
const ENGLISH = /\b(?:the|of|and|to|is|are|we|it|you|this|that|a)\b/i;

function danglingEnd(line: string): string | undefined {
  const words = line.trim().split(/\s+/);
  const last = words.at(-1)!;
  if (words.length >= FEWEST_WORDS && DANGLING_WORD.test(last) && ENGLISH.test(words.slice(0, -1).join(' '))) return last;
  return /\p{L}{2}/u.test(line) && DANGLING_SIGN.test(last) ? last.at(-1) : undefined;
}

/** The last line of a text that is no rule, without what closes an emphasis in it. */
function lastWordsOf(text: string): string {
  const line = text.split('\n').findLast((one) => !/^[-*_\s]{3,}$|^\s*$/.test(one)) ?? '';
  const opens = /(?:^|[\s(])[*_]+[^\s*_]/.test(line);
  return opens ? line.trimEnd().replace(/(?<=[^\s*_])[*_]+$/, '') : line.trimEnd();
}

/** The text does not break off: in the middle of a sentence, of a block of code or of brackets. */
export function finished(text: string): Finding {
  const end = text.trim();
  if (fencedBlocks(end).at(-1)?.isClosed === false) return no('a block of code is not closed');
  const inText = end.replaceAll(/```[\s\S]*?```/g, '');
  if (isOpenJson(inText)) return no('the brackets at its beginning are not closed');
  const dangling = isClosing(end) ? undefined : danglingEnd(lastWordsOf(end));
  if (dangling !== undefined) return no(`breaks off after “${dangling}”`);
  return yes('does not break off');
}

/** A letter's last line may end with a comma: `Best regards,`. So may all that is asked for: `Dear Ms. Jones,`. */
function isClosing(text: string): boolean {
  return /(?:[.!?][^\n]*\n\s*|\n[^\S\n]*\n\s*)\p{Lu}[\p{L} ]{3,40},$|^(?:Dear|Hi|Hello) [\p{L}. ]{1,40},$/u.test(
    text.slice(-200),
  );
}

/** Begins as JSON and not as a link, a reference or a placeholder, and closes fewer brackets than it opens. */
function isOpenJson(text: string): boolean {
  if (!/^(?:\{\s*"|\[\s*(?:["[{]|-?\d[\d.]*\s*,))/.test(text) || /[\]}]$/.test(text)) return false;
  const count = (pattern: RegExp): number => text.match(pattern)?.length ?? 0;
  return count(/[[{]/g) > count(/[\]}]/g);
}

const HEDGES: [RegExp, string][] = [
  [/\bas an? (?:ai|artificial intelligence|(?:large )?language model)\b/i, 'speaks of itself as an AI'],
  [
    /\bI(?:'m| am)? (?:can ?not|can't|unable to|not able to|won't) (?:help|answer|assist|provide|determine|access|browse|do)\b/i,
    'says that it can not',
  ],
  [/\bI(?:'m| am) not (?:entirely |completely |quite )?(?:sure|certain|confident)\b/i, 'says that it is not sure'],
  [/\bI (?:don't|do not) (?:know|have (?:enough|access|any) )/i, 'says that it does not know'],
  [/\b(?:can ?not|can't|could not) be (?:determined|answered|known)\b/i, 'says that it can not be told'],
  [
    /\b(?:not enough|insufficient|(?:there is|there's|have|has|contains?|gives?|provides?|with) no) (?:information|data|context)\b/i,
    'says that information is missing',
  ],
  [/\bit(?:'s| is) (?:hard|difficult|impossible) to (?:say|tell|know)\b/i, 'says that it is hard to tell'],
  [/\b(?:this is (?:just |only )?a guess|my best guess|I(?:'d| would) guess|if I had to guess)\b/i, 'guesses'],
];

/** The answer stands by what it says. */
export function unhedged(text: string): Finding {
  // As the patterns have them: models write ’ too, and wrap their lines.
  const plain = text.replaceAll('’', "'").replaceAll(/\s/g, ' ');
  const found = HEDGES.find(([pattern]) => pattern.test(plain));
  return found === undefined ? yes('stands by what it says') : no(`${found[1]}: “${found[0].exec(plain)![0]}”`);
}

/** The answer says one thing: its final answers, its yes or no, and the results of the same calculation are the same throughout. */
export function consistent(prompt: string, text: string): Finding {
  return twoFinals(prompt, text) ?? yesAndNo(text) ?? twoResults(text) ?? yes('does not contradict itself');
}

/** Of an answer to several questions each part has a final answer of its own. */
const PART =
  /^[^\w\n]{0,20}(?:(?:Q|Question|Part|Problem|Exercise|Task)[^\S\n]{0,9}(?:\d{1,2}|[a-h])\b|(?:\d{1,2}|[a-h])[.):]|(?:Q|Question)\b[^\w\n]{0,9}:)|(?<=^|\s)\([a-h]\)\s/gim;

function twoFinals(prompt: string, text: string): Finding | null {
  const finals = clearFinals(text, optionsOf(prompt));
  const [first] = finals;
  const other = finals.find(({ value }) => value !== first?.value && !areSame(Number(value), Number(first?.value)));
  if (first === undefined || other === undefined) return null;
  const parts = Array.from(text.matchAll(PART), ({ index }) => index);
  const partOf = ({ at }: { at: number }): number => parts.filter((start) => start <= at).length;
  if (new Set(finals.map(partOf)).size > 1) return null;
  return no(`its answer is once ${first.value} and once ${other.value}`);
}

/** But for rounding, and for a percentage that is a share elsewhere. */
function areSame(one: number, other: number): boolean {
  return isRounded(one, other) || isRounded(100 * one, other) || isRounded(one, 100 * other);
}

/** Whether two numbers are the same but for rounding. */
function isRounded(one: number, other: number): boolean {
  return Math.abs(one - other) <= 0.01 * Math.max(Math.abs(one), Math.abs(other));
}

/** At the end, with something else than a word behind it: `so no further action` says no “no”. */
const LAST_WORD = /\b(?:answer is|answer:|so,?|therefore,?|thus,?)\s+\**(yes|no)(?=[*"]*(?:[.,;:!)]|\s*$))/gim;

function yesAndNo(text: string): Finding | null {
  const first = /^\W*(yes|no)\b(?! (?:worries|problem))/i.exec(text)?.[1]?.toLowerCase();
  const last = [...text.matchAll(LAST_WORD)].at(-1)?.[1]?.toLowerCase();
  return first !== undefined && last !== undefined && first !== last ? no(`says ${first} first and ${last} at the end`) : null;
}

function twoResults(text: string): Finding | null {
  const results = new Map<string, number>();
  for (const { text: equation, stated } of calculationsOf(text)) {
    const left = equation.slice(0, equation.lastIndexOf('=')).replaceAll(/\s/g, '');
    const before = results.get(left);
    if (before !== undefined && !isRounded(before, stated)) return no(`${left} is once ${before} and once ${stated}`);
    results.set(left, stated);
  }
  return null;
}
