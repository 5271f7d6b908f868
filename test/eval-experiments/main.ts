import { parseArgs } from 'node:util';

import { table } from '../../services/cli/src/table.ts';
import { adaptiveFigures } from './adaptive-runs.ts';
import { fixedSampleSize, runCanaries } from './canary-runs.ts';
import type { CanaryScenario } from './canary-runs.ts';
import { falseDifferences } from './comparison-runs.ts';
import { progressBar } from './progress.ts';
import { shareFigures } from './share-figures.ts';

const usage = `Simulates experiments on the code that decides them.

  npm run eval:experiments -- [--json]

  --json   the figures as JSON on the last line of stdout

Exit code 0 where every goal is met, else 1; 2 for bad arguments.
`;

const AA_RUNS = 1000;
const DROP_RUNS = 500;
const ADAPTIVE_RUNS = 400;
/** Three standard deviations: a right figure is further away once in 370 times. */
const WITHIN_CHANCE = 3;

const scenarios: Record<'aa' | 'drop' | 'dropBeyondMargin' | 'smallDrop' | 'collapse', CanaryScenario> = {
  aa: { stable: 0.9, canary: 0.9, margin: 0, horizon: 1000 },
  drop: { stable: 0.9, canary: 0.8, margin: 0, horizon: 1000 },
  dropBeyondMargin: { stable: 0.9, canary: 0.8, margin: 0.02, horizon: 1000 },
  smallDrop: { stable: 0.9, canary: 0.86, margin: 0, horizon: 4000 },
  collapse: { stable: 0.9, canary: 0.1, margin: 0, horizon: 1000 },
};

interface Line {
  what: string;
  measured: string;
  goal: string;
  ok: boolean;
}

process.exit(main());

function main(): number {
  const options = readOptions();
  if (options === null) return 2;
  if (options.help) return (process.stdout.write(usage), 0);
  const figures = measure();
  const lines = judge(figures);
  const rows = lines.map(({ what, measured, goal, ok }) => [what, measured, goal, goal === '' ? '' : ok ? 'yes' : 'no']);
  (options.json ? process.stderr : process.stdout).write(`${table(['figure', 'measured', 'goal', 'met'], rows).join('\n')}\n`);
  if (options.json) process.stdout.write(`${JSON.stringify(figures)}\n`);
  return lines.every(({ ok }) => ok) ? 0 : 1;
}

type Figures = ReturnType<typeof measure>;

function measure() {
  const aa = runCanaries(scenarios.aa, AA_RUNS, progressBar('A/A canaries'));
  const canaries = Object.entries(scenarios).filter(([name]) => name !== 'aa');
  const drops = Object.fromEntries(canaries.map(([name, scenario]) => [name, dropFigures(name, scenario)]));
  const comparisons = falseDifferences(AA_RUNS, progressBar('A/A comparisons'));
  const shares = shareFigures();
  const adaptive = adaptiveFigures(ADAPTIVE_RUNS, progressBar('adaptive arms'));
  const drop = drops['drop']!;
  return {
    aa_runs: aa.runs,
    aa_false_stop_rate: aa.rolledBack / aa.runs,
    aa_canary_samples: scenarios.aa.horizon,
    comparison_false_rate: comparisons.passRate,
    comparison_false_rate_cost: comparisons.cost,
    rollback_median_samples: drop.median,
    fixed_sample_optimum: drop.fixed,
    rollback_ratio: Number((drop.median / drop.fixed).toFixed(3)),
    rollback_power: drop.power,
    drops,
    assignment_units: shares.units,
    assignment_largest_z: Number(shares.largestZ.toFixed(2)),
    assignment_moved: shares.moved,
    assignment_moved_back: shares.movedBack,
    assignment_independence_z: Number(shares.independenceZ.toFixed(2)),
    adaptive_runs: adaptive.runs,
    adaptive_jobs: adaptive.jobs,
    adaptive_bias_z: Number(adaptive.largestBiasZ.toFixed(2)),
    adaptive_plain_mean_bias_z: Number(adaptive.plainBiasZ.toFixed(2)),
    adaptive_coverage: adaptive.leastCoverage,
    adaptive_interval_misses: adaptive.mostMisses,
    adaptive_share_of_best: Number(adaptive.shareOfBest.toFixed(3)),
  };
}

interface DropFigures extends CanaryScenario {
  median: number;
  p90: number;
  power: number;
  fixed: number;
}

function dropFigures(name: string, scenario: CanaryScenario): DropFigures {
  const { runs, rolledBack, samples } = runCanaries(scenario, DROP_RUNS, progressBar(name));
  const at = (part: number): number => samples[Math.floor(runs * part)]!;
  return { ...scenario, median: at(0.5), p90: at(0.9), power: rolledBack / runs, fixed: fixedSampleSize(scenario) };
}

function judge(figures: Figures): Line[] {
  const moved = figures.assignment_moved;
  return [
    line('A/A canaries stopped falsely', percent(figures.aa_false_stop_rate), '≤ 5 %', figures.aa_false_stop_rate <= 0.05),
    line('A/A comparisons that differed', percent(figures.comparison_false_rate), '≤ 5 %', figures.comparison_false_rate <= 0.05),
    line(
      'the same of costs (log-normal)',
      percent(figures.comparison_false_rate_cost),
      '≤ 5 %',
      figures.comparison_false_rate_cost <= 0.05,
    ),
    line('0.90 → 0.80, of the fixed-size test', `${figures.rollback_ratio} ×`, '≤ 2 ×', figures.rollback_ratio <= 2),
    line('0.90 → 0.80 rolled back', percent(figures.rollback_power), '≥ 80 %', figures.rollback_power >= 0.8),
    ...Object.values(figures.drops).map(dropLine),
    line(
      'assignment, off its share',
      `${figures.assignment_largest_z} σ`,
      `≤ ${WITHIN_CHANCE} σ`,
      figures.assignment_largest_z <= WITHIN_CHANCE,
    ),
    line('5 → 25 %, units moved', percent(moved), '20 % ± 0.4', Math.abs(moved - 0.2) <= 0.004),
    line('5 → 25 %, moved back to stable', percent(figures.assignment_moved_back), '0', figures.assignment_moved_back === 0),
    line(
      'two experiments, from independence',
      `${figures.assignment_independence_z} σ`,
      `≤ ${WITHIN_CHANCE} σ`,
      figures.assignment_independence_z <= WITHIN_CHANCE,
    ),
    line(
      'adaptive estimates, bias',
      `${figures.adaptive_bias_z} σ`,
      `≤ ${WITHIN_CHANCE} σ`,
      figures.adaptive_bias_z <= WITHIN_CHANCE,
    ),
    line('adaptive 95 % intervals that hold', percent(figures.adaptive_coverage), '≥ 92 %', figures.adaptive_coverage >= 0.92),
    line(
      'intervals that are shown, ever without the truth',
      percent(figures.adaptive_interval_misses),
      '≤ 5 %',
      figures.adaptive_interval_misses <= 0.05,
    ),
    line('plain means beside them, bias', `${figures.adaptive_plain_mean_bias_z} σ`, '', true),
    line('adaptive jobs on the best of three', percent(figures.adaptive_share_of_best), '', true),
  ];
}

function dropLine({ stable, canary, margin, median, p90, power, fixed }: DropFigures): Line {
  const what = `${stable.toFixed(2)} → ${canary.toFixed(2)}, margin ${margin}: samples at rollback`;
  return line(what, `median ${median}, p90 ${p90}, ${percent(power)} found; fixed ${fixed}`, '', true);
}

function line(what: string, measured: string, goal: string, ok: boolean): Line {
  return { what, measured, goal, ok };
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))} %`;
}

function readOptions(): { json: boolean; help: boolean } | null {
  try {
    return parseArgs({ options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } } })
      .values;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return null;
  }
}
