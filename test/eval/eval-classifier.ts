import { trainedClassifier } from '../../packages/routing/src/classifier/trained.ts';
import { table } from '../../services/cli/src/table.ts';
import { readGainRows } from './classifier-rows.ts';
import type { GainRow } from './classifier-rows.ts';
import { defaultDirectory, hasData } from './data-directory.ts';
import { unseenGains } from './fit-classifier.ts';
import { foldOf } from './fit-scorer.ts';
import { readRoutellm } from './load-data.ts';
import { apgrOf, cptOf, mean } from './metrics.ts';

/** `npm run eval:classifier`: routers that see only the prompt, each question unseen in training; RouteLLM's pair and metrics. */
const sets = [
  { set: 'routellm_gsm8k', name: 'GSM8K, Mixtral → GPT-4-1106' },
  { set: 'routellm_mmlu', name: 'MMLU, Mixtral → GPT-4-1106' },
] as const;

interface Figure {
  set: string;
  router: string;
  apgr: number;
  cpt50: number;
  cpt80: number;
}

function figureOf(set: string, router: string, rows: GainRow[], scores: number[]): Figure {
  const routed = rows.map(({ pair }, index) => ({ ...pair!, score: scores[index]! }));
  return { set, router, apgr: apgrOf(routed), cpt50: cptOf(routed, 0.5), cpt80: cptOf(routed, 0.8) };
}

/** The mean gain of a row's subject in the other folds: what a router knows that is told the subject. */
function subjectTable(rows: GainRow[]): number[] {
  const all = mean(rows.map(({ gain }) => gain));
  return rows.map(({ id, subject }) => {
    const others = rows.filter((row) => row.subject === subject && foldOf(row.id) !== foldOf(id));
    return others.length === 0 ? all : mean(others.map(({ gain }) => gain));
  });
}

/** Prompts per second, and those of a plain loop that only hashes the same characters. */
function speed(prompts: string[]): { prompts_per_s: number; plain_loop_per_s: number } {
  const facts = { systemPrompt: '', task: null, structured: false, tools: 0 };
  const perSecond = (work: (prompt: string) => void): number => {
    const startedAt = performance.now();
    for (const prompt of prompts) work(prompt);
    return Math.round((1000 * prompts.length) / (performance.now() - startedAt));
  };
  let sum = 0;
  const plain = (prompt: string): void => {
    for (let index = 0; index < prompt.length; index += 1) sum = Math.imul(sum ^ prompt.charCodeAt(index), 0x01000193);
  };
  const classify = (prompt: string): void => void trainedClassifier({ ...facts, prompt });
  perSecond(classify);
  perSecond(plain);
  const result = { prompts_per_s: perSecond(classify), plain_loop_per_s: perSecond(plain) };
  return sum === 0.5 ? { ...result, plain_loop_per_s: 0 } : result;
}

function main(directory: string, json: boolean): void {
  const rows = readGainRows(directory);
  const unseen = unseenGains(rows, (done) => process.stderr.write(`\rtraining ${Math.round(100 * done)} %`));
  process.stderr.write('\n');
  const figures = sets.flatMap(({ set, name }) => {
    const indexes = rows.flatMap((row, index) => (row.set === set ? [index] : []));
    const chosen = indexes.map((index) => rows[index]!);
    const of = (router: string, scores: number[]): Figure => figureOf(name, router, chosen, scores);
    return [
      of(
        'prompt length',
        chosen.map(({ features }) => features.reading.characters),
      ),
      ...(set === 'routellm_mmlu' ? [of('table of subjects, told the subject', subjectTable(chosen))] : []),
      of(
        'trained classifier',
        indexes.map((index) => unseen[index]!),
      ),
    ];
  });
  const prompts = [...readRoutellm(directory, 'gsm8k'), ...readRoutellm(directory, 'mmlu')].map(({ prompt }) => prompt);
  const speeds = speed(prompts);
  const share = (value: number): string => `${(100 * value).toFixed(1)} %`;
  const lines = table(
    ['set', 'router', 'APGR', 'CPT 50', 'CPT 80'],
    figures.map(({ set, router, apgr, cpt50, cpt80 }) => [set, router, apgr.toFixed(3), share(cpt50), share(cpt80)]),
  );
  process.stdout.write(`${lines.join('\n')}\n\n`);
  process.stdout.write(
    `${speeds.prompts_per_s} prompts/s on one core; a loop that only hashes their characters: ${speeds.plain_loop_per_s}\n`,
  );
  if (json) process.stdout.write(`${JSON.stringify({ figures, ...speeds })}\n`);
}

const [given] = process.argv.slice(2).filter((argument) => argument !== '--json');
const directory = given ?? defaultDirectory;
if (!hasData(directory)) {
  process.stderr.write(`There are no recorded answers in ${directory}; name their folder:  npm run eval:classifier -- DIR\n`);
  process.exit(2);
}
main(directory, process.argv.includes('--json'));
