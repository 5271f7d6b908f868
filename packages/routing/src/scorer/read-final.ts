/** What the part of an answer that says what it comes to is read as. */
export interface Reading {
  /** As two answers that mean the same are written the same: `1200` for `$1,200.00`, `0.5` for `\frac{1}{2}`, `B` for `(B)`. */
  value: string;
  kind: 'number' | 'letter' | 'text';
}

/**
 * Reads a final part: the letter of an option, one number, or else its words; null where nothing is there.
 *
 * @param hasOptions whether the prompt lists options; without, a letter is one only where nothing follows
 */
export function readFinal(part: string, hasOptions: boolean): Reading | null {
  const text = withoutMarkup(part);
  if (text === '') return null;
  const letter = letterIn(text, hasOptions);
  if (letter !== null) return { value: letter, kind: 'letter' };
  const number = numberIn(text);
  if (number !== null) return { value: number, kind: 'number' };
  const words = canonicalText(text);
  return words === '' ? null : { value: words, kind: 'text' };
}

const WRAPPED = /\\(?:text\w*|math(?:rm|bf|it)|boldsymbol|mbox)\s*\{([^{}]*)\}/g;

/** Without what only says how it looks, and with one sign for minus, a fraction and thousands. */
function withoutMarkup(text: string): string {
  return text
    .replaceAll(WRAPPED, '$1')
    .replaceAll(/\\[dt]?frac\s*(?:\{(\d+)\}\s*\{(\d+)\}|(\d)(\d))/g, '$1$3/$2$4')
    .replaceAll(/\*\*|__|\$\$|<\/?[a-z]+>|\^?\\circ\b|°|\\(?:left|right)\b|\\[()[\]]/g, '')
    .replaceAll(/\\[,;! ]|\{,\}/g, ' ')
    .replaceAll(/\\(?=[%$])/g, '')
    .replaceAll(/[−–](?=\s?[\d.$\\])/g, '-')
    .replaceAll(/(?<=\d)[, '’\u00a0\u202f](?=\d{3}(?!\d))/g, '')
    .replaceAll(/^[\s*_`"'“”‘’]+|[\s*_`"'“”‘’.。$]+$/g, '');
}

/** Nothing but a letter, in brackets or not. */
const ONLY_LETTER = /^\$?[([]?([A-Pa-p])[)\].:]*$/;
/** A letter as options are named, with what it stands for or why behind it. `A` and `I` are words too, `B cells` are no option. */
const NAMED_OPTION =
  /^[$\s]*(?:[([]([A-Pa-p])[)\]]|([a-p])\)(?=\s)|[([]?([A-P])(?:[).:,;\]}$]|\s(?![a-z])|\s(?=(?:because|since|as|is)\b)))/;
/** `A, C` and `A and C` are more than one. */
const SEVERAL_OPTIONS = /^[([]?[A-P][)\]]?\s*(?:,|&|\/|and\b|or\b)\s*[([]?[A-P](?![a-zA-Z])/;

function letterIn(text: string, hasOptions: boolean): string | null {
  const only = ONLY_LETTER.exec(text)?.[1];
  if (only !== undefined) return hasOptions || only < 'a' ? only.toUpperCase() : null;
  // Of a list that is not recognized, as where it stands in one line.
  if (!hasOptions) return /^(?:\(([A-P])\)|([A-P])\))\s/.exec(text)?.slice(1).find(Boolean) ?? null;
  if (SEVERAL_OPTIONS.test(text)) return null;
  return NAMED_OPTION.exec(text)?.slice(1).find(Boolean)?.toUpperCase() ?? null;
}

const DIGITS = String.raw`(?:\d+(?:\.\d+)?|\.\d+)`;
const LEADING_NUMBER = new RegExp(String.raw`^([-+]?)\s?\p{Sc}?\s?([-+]?)(${DIGITS})`, 'u');
/** What stands before a number says what it is: `x =`, `about`, `the total:`. */
const BEFORE = /^[a-zA-Z]\s*=\s*|^(?:[≈~]|about|approximately|around|roughly)\s*/;
/** What a number is part of: a calculation, a power, a number with ½, a time, a date, an address, a range, a list, a length in two units. */
const GOES_ON = new RegExp(
  [
    String.raw`^\p{No}|^\s*(?:[/:][\d(]|[\^√×·*+\\=<>]|[-,]\s*[$-]?\.?\d|\.\d|\s\d|-\s*[\\(a-z])`,
    String.raw`^(?:\(|(?:sqrt|pi|[inx-zπ])(?![a-z]))`,
    String.raw`^,?\s*(?:and|or|to)\s+[$-]?\d|^,\s*[a-z]\s*=`,
    String.raw`^\s*(?:hours?|hrs?|h|minutes?|mins?|days?|weeks?|months?|years?|feet|foot|ft|pounds?|lbs?)[.,]?\s+(?:and\s+)?\d`,
    String.raw`^\s*(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*[.,]?\s+\d{4}`,
  ].join('|'),
  'u',
);
/** What the words behind a number multiply it by. */
export const SCALES: Partial<Record<string, number>> = { thousand: 1e3, million: 1e6, billion: 1e9, trillion: 1e12 };
/** More digits than a number can hold: an identifier. */
const LONGEST_NUMBER = 15;

/** The one number that a text comes to, where it begins with it or has no other; null where it is part of more than that. */
function numberIn(text: string): string | null {
  const afterEquals = text.split('=').length === 2 ? text.slice(text.indexOf('=') + 1).trim() : text;
  const start = (LEADING_NUMBER.test(afterEquals) ? afterEquals : text).replace(BEFORE, '');
  if (LEADING_NUMBER.test(start)) return leadingNumber(start);
  const [only, other] = [...text.matchAll(/(?:^|[\s(:])([-+]?\p{Sc}?[-+]?\.?\d.*)/gu)];
  if (only === undefined || other !== undefined || numbersOf(text).length !== 1) return null;
  return leadingNumber(only[1]!);
}

function leadingNumber(text: string): string | null {
  const [matched = '', sign, inner, digits = ''] = LEADING_NUMBER.exec(text) ?? [];
  if (digits === '' || digits.length > LONGEST_NUMBER) return null;
  const { value, rest } = scaled(Number(digits), text.slice(matched.length));
  if (GOES_ON.test(rest) || !Number.isFinite(value)) return null;
  return canonical(sign === '-' || inner === '-' ? -value : value);
}

/** A number with what multiplies or divides it: `1/2`, `1 1/2`, `2.5 million`, `1.5 × 10^6`, `1e6`. */
function scaled(value: number, rest: string): { value: number; rest: string } {
  const [fraction = '', whole, above, below] = /^(?:\s*(?:(\s)(\d+))?\/\s*([1-9]\d*))(?![\d./])/.exec(rest) ?? [];
  if (fraction !== '')
    return { value: whole ? value + Number(above) / Number(below) : value / Number(below), rest: rest.slice(fraction.length) };
  const [power = '', exponent, glued] =
    /^(?:\s*(?:[×x*·]|\\times|\\cdot)\s*10\s*\^\s*\{?(-?\d+)\}?|[eE](-?\+?\d+))/.exec(rest) ?? [];
  if (power !== '') return { value: Number(`${value}e${exponent ?? glued}`), rest: rest.slice(power.length) };
  const [name = '', scale = ''] = /^\s*(thousand|million|billion|trillion)\b/i.exec(rest) ?? [];
  return { value: value * (SCALES[scale.toLowerCase()] ?? 1), rest: rest.slice(name.length) };
}

function canonical(value: number): string {
  return String(Number(value.toPrecision(12)) || 0);
}

/** Words and numbers. */
function canonicalText(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\\/^√+=-]+/gu, ' ')
    .trim();
}

const number = /(?<![\w.])-?\$?-?\d+(?:,\d{3})*(?:\.\d+)?/g;

/** All numbers of a text as they are written, without currency signs. */
export function numbersOf(text: string): string[] {
  return (text.match(number) ?? []).map((found) => found.replace('$', ''));
}

/** What a number that is written so comes to: `1,200.50` is 1200.5. */
export function writtenNumber(text: string): number {
  return Number(text.replaceAll(',', ''));
}

/** `1,200.50` is `1200.5`. */
export function canonicalNumber(text: string): string {
  return String(writtenNumber(text));
}
