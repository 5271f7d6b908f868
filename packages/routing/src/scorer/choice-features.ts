import { flag, log } from './counts.ts';
import { numbersOf, writtenNumber } from './read-final.ts';
import type { FinalAnswer } from './extract-answer.ts';
import type { Option } from './options.ts';

/** Numbers at most so far apart, as a share of the larger, are the same but for rounding. */
const SAME = 0.012;
/** Of an answer to a question with options the numbers at its end are what it calculated. */
const LAST_NUMBERS = 4;

/** How the option that an answer chooses fits what it says before. All 0 where the prompt lists none. */
export function choiceFeatures(options: Option[], text: string, final: FinalAnswer | null) {
  const chosen = final?.kind === 'letter' ? options.find(({ letter }) => letter === final.value) : undefined;
  const reasoning = reasoningOf(text);
  return {
    options: options.length,
    chose: flag(chosen !== undefined),
    chosen_place: chosen === undefined ? 0 : options.indexOf(chosen) / options.length,
    unchosen: flag(options.length > 0 && chosen === undefined),
    no_option_fits: flag(
      options.length > 0 &&
        /\b(not|none|neither|no|n't)\b[^.\n]{0,40}\b(options?|choices|answers? (given|provided|listed))\b|provided (options|text)|\bno correct\b/i.test(
          text,
        ),
    ),
    closest: flag(options.length > 0 && /\b(closest|nearest|best (match|fit)s?)\b/i.test(text)),
    letters_named: options.length === 0 ? 0 : new Set(text.match(/\b[A-P](?=\)|\.|:)/g) ?? []).size / options.length,
    ...numbersOfChoice(options, chosen, reasoning),
    ...wordsOfChoice(options, chosen, reasoning),
  };
}

/** The answer without its last statement, which names the option. */
function reasoningOf(text: string): string {
  const last = [...text.matchAll(/\banswer\b/gi)].at(-1)?.index ?? text.length;
  return text.slice(0, last);
}

/** Whether the numbers of the chosen option are what was calculated. */
function numbersOfChoice(options: Option[], chosen: Option | undefined, reasoning: string) {
  const numeric = options.filter((option) => /^[^\p{L}]{0,3}[\d$-]/u.test(option.text)).length;
  const value = chosen === undefined ? undefined : firstNumber(chosen.text);
  const said = numbersOf(reasoning).map(plain);
  const isSaid = (number: number | undefined): boolean =>
    number !== undefined && said.some((other) => apart(other, number) <= SAME);
  const isNumeric = options.length > 0 && numeric / options.length > 0.7;
  const last = said.slice(-LAST_NUMBERS);
  const gap = value === undefined || last.length === 0 ? 1 : Math.min(...last.map((number) => apart(number, value)));
  return {
    numeric_options: options.length === 0 ? 0 : numeric / options.length,
    number_reached: flag(isNumeric && isSaid(value)),
    number_missed: flag(isNumeric && value !== undefined && said.length > 0 && !isSaid(value)),
    number_gap: isNumeric ? Math.min(1, gap) : 0,
    number_at_end: flag(isNumeric && value !== undefined && gap <= SAME),
    rival_numbers: isNumeric ? log(options.filter((option) => option !== chosen && isSaid(firstNumber(option.text))).length) : 0,
  };
}

/** Whether the answer speaks of what the chosen option says, more than of what the others say. */
function wordsOfChoice(options: Option[], chosen: Option | undefined, reasoning: string) {
  if (chosen === undefined) return { choice_words: 0, rival_words: 0, choice_length: 0, is_longest: 0 };
  const said = new Set(wordsIn(reasoning));
  const share = (option: Option): number => {
    const words = wordsIn(option.text);
    return words.length === 0 ? 0 : words.filter((word) => said.has(word)).length / words.length;
  };
  const rivals = options.filter((option) => option !== chosen).map(share);
  const lengths = options.map(({ text }) => text.length);
  return {
    choice_words: share(chosen),
    rival_words: Math.max(0, ...rivals),
    choice_length: log(chosen.text.length),
    is_longest: flag(chosen.text.length === Math.max(...lengths)),
  };
}

function wordsIn(text: string): string[] {
  return text.toLowerCase().match(/\p{L}{4,}/gu) ?? [];
}

function firstNumber(text: string): number | undefined {
  const first = numbersOf(text)[0];
  return first === undefined ? undefined : plain(first);
}

function plain(text: string): number {
  return Math.abs(writtenNumber(text));
}

/** How far two numbers lie apart, as a share of the larger. */
function apart(one: number, other: number): number {
  const larger = Math.max(one, other);
  return larger === 0 ? 0 : Math.abs(one - other) / larger;
}
