/** One line of the bench: what was measured, and the reference that was measured beside it in the same run. */
export interface Figure {
  name: string;
  value: number;
  unit: string;
  reference: number;
  /** value ÷ reference; for times, sizes and CPU lower is better. */
  ratio: number;
  goal: string;
  stretch: string | null;
  ok: boolean;
  /** Of the ratio, over the rounds. */
  min: number;
  max: number;
}

/** What a ratio must reach: `≥ 0.5` or `≤ 2.5`. */
export interface Goal {
  at: 'least' | 'most';
  ratio: number;
  stretch?: number;
}

/** One round: our value and the reference's, measured one after the other. */
export interface Sample {
  value: number;
  reference: number;
}

/** The median round by its ratio, so that value and reference belong together. */
export function figureOf(name: string, unit: string, samples: Sample[], goal: Goal): Figure {
  const rounds = samples
    .map(({ value, reference }) => ({ value, reference, ratio: value / reference }))
    .toSorted((a, b) => a.ratio - b.ratio);
  const median = rounds[Math.floor(rounds.length / 2)];
  if (median === undefined) throw new Error(`${name}: no round was measured`);
  const sign = goal.at === 'least' ? '≥' : '≤';
  return {
    name,
    value: round(median.value),
    unit,
    reference: round(median.reference),
    ratio: round(median.ratio),
    goal: `${sign} ${goal.ratio}`,
    stretch: goal.stretch === undefined ? null : `${sign} ${goal.stretch}`,
    ok: goal.at === 'least' ? median.ratio >= goal.ratio : median.ratio <= goal.ratio,
    min: round(rounds[0]?.ratio ?? median.ratio),
    max: round(rounds.at(-1)?.ratio ?? median.ratio),
  };
}

/** Four significant digits: more would be noise. */
function round(value: number): number {
  return Number(value.toPrecision(4));
}
