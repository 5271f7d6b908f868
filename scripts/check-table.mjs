// Checks the table that `npm start -- --once --json` prints: `node scripts/check-table.mjs FILE EXIT_CODE`, where FILE holds the
// stdout of that run and EXIT_CODE is how it ended. Prints every check by name, then `N passed, N failed`; exit 1 when one failed.
import { readFileSync } from 'node:fs';

const COUNTS = ['escalations', 'failovers', 'fallbacks'];
const COSTS = ['cost_usd', 'cost_all_premium_usd'];
const SHARES = ['right', 'right_all_economy', 'right_all_premium'];
const TERMINAL = ['completed', 'failed', 'cancelled', 'expired'];

/** The router must give back at least this share of what "all premium" gets right beyond "all economy". */
const REQUIRED_SHARE_OF_GAIN = 0.5;

const CHECKS = [
  [
    'the last line of stdout is JSON with every figure',
    (table) => [...COUNTS, ...COSTS, ...SHARES].every((key) => isFigure(table[key])),
  ],
  ['there are jobs and every one is terminal', ({ jobs }) => jobs?.total > 0 && sumOf(jobs, TERMINAL) === jobs.total],
  ['some jobs were escalated', ({ escalations }) => escalations > 0],
  ['some calls failed over to another model', ({ failovers }) => failovers > 0],
  ['some jobs reached the fallback', ({ fallbacks }) => fallbacks > 0],
  ['it cost less than all premium', ({ cost_usd, cost_all_premium_usd }) => cost_usd < cost_all_premium_usd],
  [
    'it kept at least half of what premium gets right beyond economy',
    ({ right, right_all_economy, right_all_premium }) =>
      right - right_all_economy >= REQUIRED_SHARE_OF_GAIN * (right_all_premium - right_all_economy),
  ],
];

const [file, exitCode] = process.argv.slice(2);
if (file === undefined || exitCode === undefined) {
  console.error('usage: node scripts/check-table.mjs FILE EXIT_CODE');
  process.exit(2);
}
const table = lastLineOf(file);
const results = [['npm start ended with exit code 0', exitCode === '0'], ...CHECKS.map(([name, holds]) => [name, holds(table)])];
for (const [name, passed] of results) console.log(`${passed ? '✓' : '✗'} ${name}`);
const failed = results.filter(([, passed]) => !passed).length;
if (failed > 0) console.log(`the table was: ${JSON.stringify(table)}`);
console.log(`${results.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** An unknown share is null, and null would compare like 0. */
function isFigure(value) {
  return Number.isFinite(value);
}

function sumOf(record, keys) {
  return keys.reduce((sum, key) => sum + record[key], 0);
}

/** Returns the object on the last line, or an empty one, which fails every check: a missing figure is never "enough". */
function lastLineOf(path) {
  const line = readFileSync(path, 'utf8').trimEnd().split('\n').at(-1);
  try {
    return Object(JSON.parse(line));
  } catch {
    return {};
  }
}
