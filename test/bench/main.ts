import { parseArgs } from 'node:util';

import { table } from '../../services/cli/src/table.ts';
import type { Figure } from './figure.ts';
import { bytesWaiting } from './figures/bytes-waiting.ts';
import { classify } from './figures/classify.ts';
import { drain } from './figures/drain.ts';
import { idleLatency } from './figures/idle-latency.ts';
import { intake } from './figures/intake.ts';
import { peerPortkey } from './figures/peer-portkey.ts';
import { pipeline } from './figures/pipeline.ts';
import { tierScaling } from './figures/tier-scaling.ts';
import { roundsOf } from './rounds.ts';
import type { Rounds } from './rounds.ts';

interface Benchmark {
  names: string[];
  run: (rounds: Rounds) => Promise<Figure[]>;
  /** Too long for --quick. */
  long?: boolean;
}

const benchmarks: Benchmark[] = [
  { names: ['pipeline', 'redis_cpu'], run: pipeline },
  { names: ['idle_latency_p50', 'idle_latency_p99'], run: idleLatency },
  { names: ['bytes_waiting'], run: bytesWaiting },
  { names: ['intake_post', 'intake_ndjson'], run: intake },
  { names: ['classify'], run: classify },
  { names: ['peer_portkey'], run: peerPortkey },
  { names: ['drain_100k', 'drain_100k_memory'], run: drain, long: true },
  { names: ['tier_scaling', 'tier_scaling_1', 'tier_scaling_2', 'tier_scaling_4'], run: tierScaling },
];

const usage = `Measures Upshift beside references in the same run, on the same Redis.

  npm run bench -- [--only NAME] [--quick] [--json]

  --only NAME   one figure, with what is measured in the same rounds: ${benchmarks.flatMap(({ names }) => names).join(', ')}
  --quick       3 rounds instead of 5, without the long figures
  --json        the figures as JSON on the last line of stdout

Exit code 0 where every goal is met, else 1; 2 for bad arguments.
`;

const ROUNDS = 5;
const QUICK_ROUNDS = 3;

process.exit(await main());

async function main(): Promise<number> {
  const options = readOptions();
  if (options === null) return 2;
  if (options.help) return (process.stdout.write(usage), 0);
  const chosen = benchmarks.filter(({ names, long }) =>
    options.only === undefined ? !(long && options.quick) : names.some((name) => name === options.only),
  );
  if (chosen.length === 0) return (process.stderr.write(`--only ${options.only}: no such figure.\n\n${usage}`), 2);
  const figures: Figure[] = [];
  for (const { names, run } of chosen) {
    const rounds = roundsOf(options.quick ? QUICK_ROUNDS : ROUNDS, (done, of) =>
      process.stderr.write(`${names.join(', ')}: ${done} of ${of} rounds\n`),
    );
    figures.push(...(await run(rounds)));
  }
  (options.json ? process.stderr : process.stdout).write(`${textOf(figures)}\n`);
  if (options.json) process.stdout.write(`${JSON.stringify({ figures })}\n`);
  return figures.every(({ ok }) => ok) ? 0 : 1;
}

function readOptions(): { only?: string | undefined; quick: boolean; json: boolean; help: boolean } | null {
  try {
    return parseArgs({
      options: {
        only: { type: 'string' },
        quick: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return null;
  }
}

function textOf(figures: Figure[]): string {
  const rows = figures.map((figure) => [
    figure.name,
    `${figure.value} ${figure.unit}`,
    figure.reference,
    `${figure.ratio} ×`,
    `${figure.min}–${figure.max}`,
    figure.goal,
    figure.stretch ?? '',
    figure.ok ? 'yes' : 'no',
  ]);
  return table(['figure', 'measured', 'reference', 'ratio', 'from–to', 'goal', 'stretch', 'met'], rows).join('\n');
}
