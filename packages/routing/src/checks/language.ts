import type { Language } from '@upshift/contracts';

import { endsOf } from './ends-of.ts';
import { no, yes } from './finding.ts';
import type { Finding } from './finding.ts';
import { languageNames, namedAnywhere } from './language-names.ts';

/**
 * Languages in Latin script are told apart by their commonest words. None of them is a plain letter: in all languages `A.` and `e` name options
 * and variables.
 */
const commonWords: Partial<Record<Language, string>> = {
  en: 'the of and to is in that it for was with are this have not you from be on as at by which or an they',
  de: 'der die das und ist nicht ein eine zu den mit von für auf sich auch dem des wird sind im wie oder werden',
  fr: 'le la les de des et est un une dans que pour pas qui sur du au avec ce sont par plus ne il elle nous vous',
  es: 'el la los las de que en un una es por con para no se del al como más pero su lo está son muy fue este esta sobre sin',
  it: 'il la di che un una per non è con del si le lo gli della sono nel alla come più anche dei questo ma ed dal ha al sua suo',
  pt: 'os as de que em um uma para não com do da no na por mais se é como dos ao são você está ou mas foi sua seu pela pelo',
  nl: 'de het een en van is in niet op te dat die voor met zijn er aan ook als om maar wordt naar bij',
  sv: 'och att det som en är på för med av inte den till ett han jag om har de vi var från kan eller',
  pl: 'na do się nie jest to że jak po co tak od przez dla ale czy są tym oraz może był ma ich jej tego który która tylko przy nad lub',
  fi: 'on ja ei se että oli mutta kun niin myös joka ovat kuin hän olla jos sen tämä sekä sitä joita jossa voi voit mitä vain',
  tr: 've bir bu için ile de da çok olarak daha gibi olan ne var değil kadar sonra mi ama ben en her',
};
const wordSets = Object.entries(commonWords).map(
  ([language, words]) => [language as Language, new Set(words.split(' '))] as const,
);

const scripts: [Language, RegExp][] = [
  ['ja', /[\p{Script=Hiragana}\p{Script=Katakana}]/gu],
  ['ko', /\p{Script=Hangul}/gu],
  ['zh', /\p{Script=Han}/gu],
  ['ru', /\p{Script=Cyrillic}/gu],
  ['el', /\p{Script=Greek}/gu],
  ['ar', /\p{Script=Arabic}/gu],
  ['he', /\p{Script=Hebrew}/gu],
  ['hi', /\p{Script=Devanagari}/gu],
  ['th', /\p{Script=Thai}/gu],
];

/** Characters of a text that are read, and words that must be common ones before a language is named. */
const READ = 3000;
const LEAST_WORDS = 3;
/** Japanese without its own characters, as `東京`, is no longer than this in most cases, nor Ukrainian without its own letters. */
const LEAST_CHINESE = 8;
const LEAST_CYRILLIC = 60;

/** The language of a text; null where too little of it speaks for one. Code is left out. */
export function languageOf(text: string): Language | null {
  const words = text.replaceAll(/```[\s\S]*?```|^[ \t]*~~~[\s\S]*?^[ \t]*~~~|`[^`]*`/gm, ' ').slice(0, READ);
  const letters = words.match(/\p{L}/gu)?.length ?? 0;
  for (const [language, script] of isLatin(words) ? [] : scripts) {
    const share = (words.match(script)?.length ?? 0) / Math.max(1, letters);
    // Japanese is written with Chinese characters too, so that its own need not be many.
    if (share > (language === 'ja' ? 0.1 : 0.4)) return amongNeighbours(language, words, letters);
  }
  return latinLanguage(new Set(words.toLowerCase().match(/\p{L}+/gu)));
}

/** The language of a text in a script that others are written in too. */
function amongNeighbours(language: Language, text: string, letters: number): Language | null {
  if (language === 'zh') return letters < LEAST_CHINESE ? null : language;
  if (language !== 'ru') return language;
  // Of Belarusian, which has `і` too, it is said what is said of all others in Cyrillic.
  if (/ў/i.test(text)) return language;
  const [ukrainian, russian] = [/[ґєії]/gi, /[ёъыэ]/gi].map((own) => text.match(own)?.length ?? 0) as [number, number];
  if (ukrainian !== russian) return ukrainian > russian ? 'uk' : 'ru';
  return letters < LEAST_CYRILLIC ? null : 'ru';
}

function isLatin(text: string): boolean {
  // From Greek on, and from the scripts of East Asia on; signs of typing and of mathematics lie between.
  return !/[\u0370-\u1fff\u2e80-\uffff]/.test(text);
}

/** Each word counts once: one that is said over and over, as `per`, may be of another language. */
function latinLanguage(words: Set<string>): Language | null {
  const counts = wordSets
    .map(([language, common]) => ({ language, count: [...common].filter((word) => words.has(word)).length }))
    .toSorted((a, b) => b.count - a.count);
  const [first, second] = counts;
  return first !== undefined && first.count >= LEAST_WORDS && first.count > 1.3 * (second?.count ?? 0) ? first.language : null;
}

/**
 * A named language; what was written or published in one is told of, and not asked for. One with `in` ends its clause where it is asked for:
 * `in Swedish exports` is about something else.
 */
const NAMED = /(?<!(?:ed|en) )\b(in|into|to|auf|en) (\p{L}+)(?=(\s*(?:$|[,()"'”—–]|(?:and|please|only)\b))|)/giu;
const TRANSLATING = /\btranslat/i;
/** What is denied, or asked for in some cases alone, is not asked for here. */
const DENYING = /\b(?:not|never|if|even|unless|when|otherwise)\b|n['’]t\b/i;
const ASKING = /\b(?:answer|reply|respond|response|write|compose|translate|summari[sz]e|summary|explain|describe)\b/i;

/** What hardly stands in another language: beside a text in one, English asks. */
const ENGLISH_WISH = new RegExp(String.raw`${ASKING.source}|\b(?:what|which|how|why|classify|extract|identify|rewrite)\b`, 'i');

/** null stands for a language that is not told apart. */
interface Named {
  preposition: string;
  language: Language | null;
  endsClause: boolean;
}

function namedIn(text: string): Named[] {
  return [...text.matchAll(NAMED)].flatMap(([, preposition = '', name = '', end]) => {
    const language = languageNames().known.get(name.toLowerCase());
    return language === undefined ? [] : [{ preposition: preposition.toLowerCase(), language, endsClause: end !== undefined }];
  });
}

/** The language that a clause asks for; of a translation, the one that it goes into. */
function askedIn(clause: string): Language | null | undefined {
  if (DENYING.test(clause)) return undefined;
  const named = namedIn(clause);
  const into = TRANSLATING.test(clause) ? /^(?:into|to)$/ : /^into$/;
  const target = named.find(({ preposition }) => into.test(preposition));
  const wish = named.find(({ preposition, endsClause }) => preposition !== 'to' && endsClause);
  return (target ?? (ASKING.test(clause) ? wish : undefined))?.language;
}

/** The language that a prompt asks for: the first that a clause asks for, else its own; null where it can not be told. */
function askedFor(prompt: string): Language | null {
  const asked = prompt
    .split(/[.;:!?\n]/)
    .map(askedIn)
    .find((language) => language !== undefined);
  if (asked !== undefined) return asked;
  const own = languageOf(prompt);
  if (own !== 'en' && ENGLISH_WISH.test(prompt)) return null;
  // One that names another language may be answered in either.
  const named = [...namedIn(prompt).map(({ language: one }) => one), ...namedAnywhere(endsOf(prompt, READ))];
  return TRANSLATING.test(prompt) || named.some((one) => one !== own) ? null : own;
}

/** The answer is in the language that is wanted, or else in that of its prompt. */
export function language(prompt: string, text: string, wanted?: Language): Finding {
  const expected = wanted ?? askedFor(prompt);
  const found = languageOf(text);
  if (expected === null) return yes('the wanted language can not be told');
  if (found === null) return yes('its language can not be told');
  return expected === found ? yes(`is in ${nameOf(found)}`) : no(`is in ${nameOf(found)}, where ${nameOf(expected)} was wanted`);
}

const displayNames = new Intl.DisplayNames(['en'], { type: 'language' });
const englishNames = new Map<Language, string>();

function nameOf(code: Language): string {
  // Kept: the library takes longer for it than all the rest of the check.
  const name = englishNames.get(code) ?? displayNames.of(code) ?? code;
  englishNames.set(code, name);
  return name;
}
