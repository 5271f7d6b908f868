import { languages } from '@upshift/contracts';
import type { Language } from '@upshift/contracts';

/** What languages are called, in lower case; null for one that is not told apart. */
type Names = Map<string, Language | null>;

interface AllNames {
  /** In English, and each in itself: what wishes are read from. */
  known: Names;
  /** In any of the languages that are told apart. */
  words: Names;
  /** Of languages whose words change at their ends, as these stand before all of them. */
  stems: Names;
  /** Of languages that are written without spaces, or put other words before them without one. */
  parts: Names;
}

const letters = 'abcdefghijklmnopqrstuvwxyz'.split('');
/** The last one counts where two codes have one name. */
const codes: string[] = [...letters.flatMap((first) => letters.map((second) => first + second)), ...languages];
/** Endings take the place of the last letters of adjectives, or come behind names: `по-английски`, `ins Englische`, `İngilizceye`. */
const ADJECTIVE = /^(.+[сцsc]ь?[кk])(?:ий|а|i)$/;
const inflected: Language[] = ['ru', 'uk', 'pl'];
const extended: Language[] = ['de', 'tr', 'fi'];
/** That change otherwise: `englanniksi`, `suomeksi`, `на иврите`. */
const irregular: [string, Language][] = [
  ['englanni', 'en'],
  ['suome', 'fi'],
  ['иврит', 'he'],
  ['івріт', 'he'],
];
/** A shorter name begins words of other languages too: of `twice`, Twi is one in German. */
const SHORTEST_EXTENDED = 5;
const unspaced: Language[] = ['zh', 'ja', 'ko', 'th', 'ar', 'he', 'hi'];

let kept: AllNames | undefined;

/** Read from the library once, when they are first needed, which takes some 20 ms. */
export function languageNames(): AllNames {
  kept ??= readNames();
  return kept;
}

function readNames(): AllNames {
  const own = languages.map((code): [string, Language] => [displayNames(code).of(code)!.toLowerCase(), code]);
  const of = (some: readonly Language[]) => some.flatMap(namesIn);
  return {
    known: new Map([...namesIn('en'), ...own, ['mandarin', 'zh']]),
    words: new Map(of(languages.filter((code) => !unspaced.includes(code)))),
    stems: new Map([
      ...of(inflected).flatMap(([name, code]) => (ADJECTIVE.exec(name)?.slice(1) ?? []).map((stem) => [stem, code] as const)),
      ...of(extended).filter(([name]) => name.length >= SHORTEST_EXTENDED),
      ...irregular,
    ]),
    parts: new Map(
      of(unspaced).flatMap(([name, code]) => [[name, code] as const, [name.replace(/[语語]$/, '文'), code] as const]),
    ),
  };
}

function displayNames(display: Language): Intl.DisplayNames {
  return new Intl.DisplayNames([display], { type: 'language', fallback: 'none' });
}

function namesIn(display: Language): [string, Language | null][] {
  const names = displayNames(display);
  return codes.flatMap((code): [string, Language | null][] => {
    const name = names.of(code);
    return name === undefined ? [] : [[inLowerCase(name), languages.find((told) => told === code) ?? null]];
  });
}

/** Without the second dot of the Turkish `İ`, which is no letter. */
function inLowerCase(text: string): string {
  return text.toLowerCase().replaceAll('\u0307', '');
}

/** Languages that a text names, by whatever language's name. */
export function namedAnywhere(text: string): (Language | null)[] {
  const { words, stems, parts } = languageNames();
  const lower = inLowerCase(text);
  const spaced = (lower.match(/\p{L}{4,}/gu) ?? []).flatMap((word) =>
    [words.get(word), ...[1, 2, 3].map((cut) => stems.get(word.slice(0, -cut)))].filter((named) => named !== undefined),
  );
  // From Hebrew on, which is the first that is written so.
  if (!/[\u0590-\uffff]/.test(lower)) return spaced;
  return [...spaced, ...[...parts].filter(([name]) => lower.includes(name)).map(([, named]) => named)];
}
