/** A calculation that an answer shows, and whether it is right. */
export interface Equation {
  text: string;
  stated: number;
  actual: number;
  holds: boolean;
  /** What stands on both sides of the equals sign, as it is written. */
  before: string;
  after: string;
}

/** What stands before an equals sign is read so far back. */
const LOOK_BACK = 120;
/** At the end of a text without words: numbers, operators and parentheses. */
const calculation = /[\d.%()+\-*/ ]+$/;
const result = /^\s*[*_`]{0,3}[$€£]?(-?(?:\d+(?:,\d{3}(?!\d))*(?:\.\d+)?|\.\d+))(%?)/;

/** A letter at a number, which may be a variable as in 2y or 3/n, a name such as x1, and that of a function: they are not read, and `@` stands for them. */
const NOT_READ = /(?<=\d\/?)[a-zA-Z](?![a-zA-Z])|[a-zA-Z](?=\()|(?<![a-zA-Z\\])[a-zA-Z]{1,5}_?\{?\d[\d,_]*\}?/g;
/** Up to the first character of what is half a calculation, because what stands before it is not read. */
const half = /(?:[\^√!²³_].|[@}][^ ])$/;
/** From the last character of a result that is the first number of a longer calculation. */
const goesOn = /^.(?: *[-+*/] *(?:\(*[\d@.]|\\)|[\^@])/;
/** Behind a result that is a term of a longer one, or counted otherwise: with a remainder, by the clock, in another base, with spaces for thousands. */
const isNoResult = new RegExp(
  [
    String.raw`^ ?\d{3}(?!\d)|^\s*[A-Za-z]_|^ *(?:[-+*] *\\?|\\(?![nt]))[A-Za-z]|^ *(?:\/ *)?[A-Za-z](?![A-Za-z])(?! *(?:$|[.,;)]))`,
    String.raw`^[^\w\n=]{0,4}(?:with (?:a )?)?(?:[rR]\b|rem|mod|in (?:base|binary|octal|hex)|binary|base|o'clock|[AaPp]\.?[Mm]\b|\\[pb]?mod)`,
  ].join('|'),
);
/** Before a fraction: `3 1/2` is no product. */
const WHOLE_BEFORE_FRACTION = /(?<![\d.])\d{1,3} \d+\/\d/;

/** Answers round: a result may be off by so much of itself, or by half of the last place that is written. */
const TOLERANCE = 0.006;
/** What whole numbers come to without a division is whole, and nothing of it need be rounded; beyond 2^53 we round ourselves. */
const isExact = (left: string, value: number): boolean => !/[./%]/.test(left) && Number.isSafeInteger(value);

/** The calculations of an answer, as in `3 sprints * 60 meters = 180`. Reads each character a bounded number of times. */
export function equationsOf(text: string): Equation[] {
  const found: Equation[] = [];
  for (let at = text.indexOf('='); at !== -1; at = text.indexOf('=', at + 1)) {
    const after = text.slice(at + 1, at + 40);
    // First, for it is the quicker one: a ruler of equals signs may be long.
    if (!result.test(after)) continue;
    const before =
      text
        .slice(Math.max(0, at - LOOK_BACK), at)
        .split(/[=:;>\n]|<<|[.!?,]\s/)
        .at(-1) ?? '';
    const equation = readEquation(before, after);
    if (equation !== null) found.push(equation);
  }
  return found;
}

function readEquation(before: string, after: string): Equation | null {
  const [matched = '', written, percent] = result.exec(after) ?? [];
  const left = leftSideOf(before);
  if (written === undefined || left === undefined || !/\d\s*%?\s*\)?\s*[-+*/]/.test(left)) return null;
  if (DECIMAL_COMMA.test(before + after.slice(0, matched.length + 3))) return null;
  if (goesOn.test(withoutUnits(after.slice(matched.length - 1))) || isNoResult.test(after.slice(matched.length))) return null;
  const actual = evaluate(left);
  if (actual === null) return null;
  const stated = Number(written.replaceAll(',', ''));
  const isRight = (value: number): boolean => (isExact(left, value) ? value === stated : isNear(value, stated, written));
  const holds = [actual, ...(percent === '%' ? [actual * 100] : []), ...otherwise(left)].some(isRight);
  if (!holds && isOfSeveralUnits(before)) return null;
  return { text: `${left} = ${written}${percent}`, stated, actual, holds, before, after };
}

/** As in 2,5: it is no separator of thousands. */
const DECIMAL_COMMA = /\d,\d{1,2}(?!\d)/;

const UNIT =
  /\d\s*(hour|hr|minute|min|second|sec|day|week|month|year|kg|gram|g|km|meter|cm|mm|m|feet|foot|ft|inch|in|pound|lb|ounce|oz|cent|dollar|liter|ml|l|gallon|quart|pint|cup|dozen)s?\b|([$€£])\d/gi;

/** A sum of hours and minutes, or of kilograms and grams, is not that of their numbers. */
function isOfSeveralUnits(before: string): boolean {
  const units = new Set(Array.from(before.matchAll(UNIT), ([, unit, sign]) => (unit ?? sign)?.toLowerCase()));
  return units.size > 1 && /[-+]/.test(before);
}

/** What else is meant by a percentage: its number alone, or that share of what stands before it, as in `100 - 20%`. */
function otherwise(left: string): number[] {
  if (!left.includes('%')) return [];
  const [, before = '', sign, share] = /^(.*\d)\s*([-+])\s*(\d+(?:\.\d+)?)%$/.exec(left) ?? [];
  const base = evaluate(before);
  const ofBase = base === null ? null : base * (1 + Number(`${sign}${share}`) / 100);
  return [evaluate(left.replaceAll('%', '')), ofBase].filter((value) => value !== null);
}

function leftSideOf(before: string): string | undefined {
  const text = withoutUnits(before);
  const found = calculation.exec(text);
  const parts = found?.[0].split(/(?<=[\d)%])\s+(?=[\d(.])/) ?? [];
  const isHalf =
    parts.length === 1 ? half.test(text.slice(0, found!.index + 1)) : WHOLE_BEFORE_FRACTION.test(parts.slice(-2).join(' '));
  return isHalf ? undefined : parts.at(-1)?.trim();
}

/** Only what is calculated with: words, currencies and separators of thousands go, and signs of multiplication become one. */
function withoutUnits(text: string): string {
  return (
    text
      .replaceAll(/[×·]|\\(?:times|cdot)(?![a-z])|(?<=[\d\s)])x(?= ?[\d($.])/g, '*')
      // A compound, as in 5-star.
      .replaceAll(/(?<=\d)-(?=[a-zA-Z])/g, ' ')
      .replaceAll('÷', '/')
      .replaceAll('−', '-')
      .replaceAll(/,|(?<=\d) (?=\d{3}(?!\d))/g, '')
      .replaceAll(NOT_READ, '@')
      .replaceAll(/\/?[a-zA-Z']+|[$€£]/g, ' ')
      .replaceAll(/ +/g, ' ')
  );
}

function isNear(actual: number, stated: number, written: string): boolean {
  const places = written.split('.')[1]?.length ?? 0;
  if (places > 0 && Math.trunc(actual * 10 ** places) / 10 ** places === stated) return true;
  return Math.abs(actual - stated) <= Math.max(TOLERANCE * Math.abs(actual), 0.5001 * 10 ** -places);
}

/** A point before three digits separates thousands in half of the world. */
const THOUSANDS_POINT = /(?<=\d)\.(?=\d{3}(?!\d))/g;

/** As in `1.200 + 800 = 2.000`. What training has seen is English, so that the scorer does not read it so. */
export function holdsInThousands({ text }: Equation): boolean {
  const [left = '', written = ''] = text.replaceAll(THOUSANDS_POINT, '').split('=');
  return evaluate(left) === Number(written);
}

/** The value of a sum of products, with parentheses; null where it does not parse. */
function evaluate(expression: string): number | null {
  const tokens = expression.match(/(?:\d+(?:\.\d+)?|\.\d+)%?|[-+*/()]/g) ?? [];
  let position = 0;
  const factor = (): number => {
    const token = tokens[position++];
    if (token === '(') {
      const value = sum();
      if (tokens[position] === ')') position += 1;
      return value;
    }
    if (token === undefined || !/^[\d.]/.test(token)) return Number.NaN;
    return token.endsWith('%') ? Number(token.slice(0, -1)) / 100 : Number(token);
  };
  const product = (): number => {
    let value = factor();
    while (tokens[position] === '*' || tokens[position] === '/')
      value = tokens[position++] === '*' ? value * factor() : value / factor();
    return value;
  };
  const sum = (): number => {
    let value = product();
    while (tokens[position] === '+' || tokens[position] === '-')
      value = tokens[position++] === '+' ? value + product() : value - product();
    return value;
  };
  const value = sum();
  const closed = tokens.slice(position).every((token) => token === ')');
  return closed && Number.isFinite(value) ? value : null;
}
