import { table } from '../../services/cli/src/table.ts';
import { dollarsToReach, scoresOf } from './cascade.ts';
import type { CascadeQuestion } from './cascade.ts';
import { defaultDirectory, hasData } from './data-directory.ts';
import { fitScorer, foldOf } from './fit-scorer.ts';
import { apgrOf, cptOf } from './metrics.ts';
import { readMmluproAnswers, readPair, readTrainingAnswers, readZeroevalAnswers } from './scorer-rows.ts';
import type { LabelledAnswer } from './scorer-rows.ts';
import type { ScorerWeights } from '../../packages/routing/src/scorer/model.ts';

/** USD per token, as in the data's cost convention: characters / 4 are tokens. */
const MIXTRAL = { input: 0.6e-6, output: 0.6e-6 };
const GPT4 = { input: 10e-6, output: 30e-6 };
const FLASH = { input: 0.075e-6, output: 0.3e-6 };
const GPT4O = { input: 2.5e-6, output: 10e-6 };

function costOf(price: { input: number; output: number }, prompt: string, answer: string): number {
  return (prompt.length / 4) * price.input + (answer.length / 4) * price.output;
}

interface CascadeSet {
  name: string;
  questions: CascadeQuestion[];
}

function gsmCascade(directory: string): CascadeSet {
  const extra = new Map(readZeroevalAnswers(directory, 'gsm', 'Qwen2-7B-Instruct').map((row) => [row.id, row.answer]));
  const questions = readPair(directory).map((row) => ({
    id: row.id,
    prompt: row.prompt,
    cheapAnswer: row.answer,
    cheapRight: row.right,
    strongRight: row.strongRight,
    others: extra.has(row.id) ? [extra.get(row.id)!] : [],
    cheapCost: costOf(MIXTRAL, row.prompt, row.answer),
    strongCost: costOf(GPT4, row.prompt, row.strongAnswer),
  }));
  return { name: 'GSM8K, Mixtral → GPT-4-1106', questions };
}

function mmluproCascade(directory: string): CascadeSet {
  const strong = new Map(readMmluproAnswers(directory, 'gpt4o-202405').map((row) => [row.prompt, row]));
  const extra = new Map(readMmluproAnswers(directory, 'Meta-Llama-3_1-70B-Instruct').map((row) => [row.prompt, row.answer]));
  const questions = readMmluproAnswers(directory, 'gemini-1.5-flash-002').flatMap((row) => {
    const best = strong.get(row.prompt);
    if (best === undefined) return [];
    return [
      {
        id: row.id,
        prompt: row.prompt,
        cheapAnswer: row.answer,
        cheapRight: row.right,
        strongRight: best.right,
        others: extra.has(row.prompt) ? [extra.get(row.prompt)!] : [],
        cheapCost: costOf(FLASH, row.prompt, row.answer),
        strongCost: costOf(GPT4O, row.prompt, best.answer),
      },
    ];
  });
  return { name: 'MMLU-Pro, gemini-1.5-flash → gpt-4o', questions };
}

/** Weights that have not seen the questions of a fold. */
function weightsByFold(rows: LabelledAnswer[], say: (done: number) => void): ScorerWeights[] {
  return [0, 1, 2, 3, 4].map((fold) => {
    const weights = fitScorer(rows.filter(({ id }) => foldOf(id) !== fold));
    say((fold + 1) / 5);
    return weights;
  });
}

function unseenScores(questions: CascadeQuestion[], weights: ScorerWeights[], useOthers: boolean): number[] {
  return questions.map((question) => scoresOf([question], weights[foldOf(question.id)]!, { useOthers })[0]!);
}

const share = (value: number | null): string => (value === null ? 'never' : `${(100 * value).toFixed(1)} %`);

/** What it cost to come this near to the strong model, as a share of what that model alone costs. */
function rowOf({ name, questions }: CascadeSet, weights: ScorerWeights[], extra: number): string[] {
  const scores = unseenScores(questions, weights, extra > 0);
  const routed = questions.map(({ cheapRight, strongRight }, index) => ({
    weak: cheapRight,
    strong: strongRight,
    score: -(scores[index] ?? 0),
  }));
  const dollars = [0.95, 0.99, 1].map((goal) => share(dollarsToReach(questions, scores, goal, extra)));
  return [name, String(extra), apgrOf(routed).toFixed(3), share(cptOf(routed, 0.5)), share(cptOf(routed, 0.8)), ...dollars];
}

const directory = process.argv[2] ?? defaultDirectory;
if (!hasData(directory)) {
  process.stderr.write(`There are no recorded answers in ${directory}; name their folder:  npm run eval:cascade -- DIR\n`);
  process.exit(2);
}
const weights = weightsByFold(readTrainingAnswers(directory), (done) =>
  process.stderr.write(`\rtraining ${Math.round(100 * done)} %`),
);
process.stderr.write('\n');
const head = [
  'cascade, each question unseen in training',
  'extra',
  'APGR',
  'CPT 50',
  'CPT 80',
  '$ for 95 %',
  '$ for 99 %',
  '$ for 100 %',
];
const rows = [gsmCascade(directory), mmluproCascade(directory)].flatMap((set) => [
  rowOf(set, weights, 0),
  rowOf(set, weights, 1),
]);
for (const line of table(head, rows)) process.stdout.write(`${line}\n`);
