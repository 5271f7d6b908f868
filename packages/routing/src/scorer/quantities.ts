/** Numbers that prompts write as words, and what each may be in a calculation: a half is divided by 2, or multiplied by 0.5. */
const words: Record<string, number[]> = {
  ...Object.fromEntries(
    'two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty'
      .split(' ')
      .map((word, index) => [word, [index + 2]]),
  ),
  ...Object.fromEntries(
    'thirty forty fifty sixty seventy eighty ninety hundred'.split(' ').map((word, index) => [word, [10 * (index + 3)]]),
  ),
  thousand: [1000],
  dozen: [12],
  ...allOf('pair pairs twice double doubles doubled doubling', [2]),
  ...allOf('thrice triple triples tripled', [3]),
  quadruple: [4],
  ...allOf('half halves halved', [2, 0.5, 50]),
  ...allOf('third thirds', [3, 1 / 3]),
  ...allOf('quarter quarters fourth fourths', [4, 0.25, 25]),
  ...allOf('fifth fifths', [5, 0.2]),
  sixth: [6],
  ...allOf('tenth tenths', [10, 0.1]),
};

function allOf(names: string, values: number[]): Record<string, number[]> {
  return Object.fromEntries(names.split(' ').map((name) => [name, values]));
}

/** What everybody knows without being told: of time, of measures, and of percentages. */
const common = new Set([0.5, 1, 2, 4, 7, 10, 12, 24, 30, 52, 60, 100, 365, 1000, 3600]);

const quantity = /(?<![\w.])\$?(\d+(?:,\d{3})*(?:\.\d+)?)(\s*%| percent)?|[a-z]+/gi;

/** The quantities that a prompt gives, in digits or in words, in their order, each with the values that a calculation may have for it. */
export function quantitiesOf(prompt: string): number[][] {
  return [...prompt.matchAll(quantity)].flatMap(([text, digits, percent]) => {
    if (digits === undefined) return Object.hasOwn(words, text.toLowerCase()) ? [words[text.toLowerCase()]!] : [];
    const value = Number(digits.replaceAll(',', ''));
    return [percent ? [value, value / 100, 1 - value / 100, 1 + value / 100, 100 - value, 100 + value] : [value]];
  });
}

/** Where a number in a calculation is from. */
export type Origin = 'unused' | 'used before' | 'common' | 'nowhere';

interface Source {
  isUsed: boolean;
}

/** Numbers that calculations may use, each of which is usually needed once. */
export class Stock {
  readonly #sources: Source[] = [];
  readonly #byValue = new Map<string, Source[]>();

  /** A number, under all values that a calculation may have for it. */
  add(values: number[]): void {
    const source = { isUsed: false };
    this.#sources.push(source);
    for (const value of values) {
      const same = this.#byValue.get(keyOf(value));
      if (same === undefined) this.#byValue.set(keyOf(value), [source]);
      else same.push(source);
    }
  }

  /** Uses a number of this value, where one is left. */
  take(value: number): Origin {
    const same = this.#byValue.get(keyOf(value));
    if (same === undefined) return common.has(value) ? 'common' : 'nowhere';
    // Each is passed over once: what is used is never looked at again.
    while (same.at(-1)?.isUsed) same.pop();
    const source = same.at(-1);
    if (source === undefined) return 'used before';
    source.isUsed = true;
    return 'unused';
  }

  get left(): number {
    return this.#sources.filter(({ isUsed }) => !isUsed).length;
  }
}

/** The same but for rounding. */
function keyOf(value: number): string {
  return value.toPrecision(4);
}
