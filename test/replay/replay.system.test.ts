import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { readQuestions, recordedModels } from './gsm8k.ts';
import { replay, replayWithAgreement } from './replay.ts';

/** Made up for this test; which models are right: [economy, standard, premium]. */
const rows = [
  { qid: 'a', question: 'What is 1 + 1?', right: [1, 1, 1] },
  { qid: 'b', question: 'What is 2 + 2?', right: [0, 1, 1] },
  { qid: 'c', question: 'What is 3 + 3?', right: [0, 0, 0] },
  { qid: 'd', question: 'What is 4 + 4?', right: [1, 0, 1] },
];

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'upshift-recorded-'));
  await save(
    'zeroeval_gsm_correct',
    rows.map(({ qid, question }) => ({ qid, question })),
  );
  for (const [index, { file }] of recordedModels.entries()) {
    // The standard model has not answered d, and so d is left out.
    const answered = rows.filter(({ qid }) => !(qid === 'd' && index === 1));
    const lines = answered.map(({ qid, right }) => ({
      qid,
      ok: right[index],
      response: `{"reasoning": "${qid}", "answer": "${index}"}`,
    }));
    await save(`zeroeval_gsm_responses_${file}`, lines);
  }
});
afterAll(() => rm(directory, { recursive: true, force: true }));

function save(name: string, lines: object[]): Promise<void> {
  return writeFile(join(directory, `${name}.jsonl.gz`), gzipSync(lines.map((line) => JSON.stringify(line)).join('\n')));
}

test('recorded answers go through the whole system, and the report says what each model alone would have come to', async () => {
  const report = await replay(readQuestions(directory));
  expect(report).toMatchObject({ questions: 3, completed: 3, not_recorded: 0 });
  const [economy, standard, premium] = recordedModels.map(({ id }) => report.alone[id]!);
  expect([economy!.right, standard!.right, premium!.right]).toEqual([0.3333, 0.6667, 0.6667]);
  expect(report.perfect.right).toBe(0.6667);
  // All answers are equally long: their costs are as the prices are.
  expect(premium!.cost_usd).toBeGreaterThan(standard!.cost_usd);
  expect(standard!.cost_usd).toBeGreaterThan(economy!.cost_usd);
  expect(report.perfect.cost_usd).toBeGreaterThan(economy!.cost_usd);
  expect(report.perfect.cost_usd).toBeLessThan(standard!.cost_usd);
  const answeredByOneTier = Object.values(report.answered).reduce((total, count) => total + count, 0);
  expect(answeredByOneTier).toBe(3);
  expect(report.scorer.accepted_wrong).toBe(Math.round(3 * (1 - report.upshift.right)));
});

test('with the check agreement a doubtful answer is compared with that of the other cheap model, whose price is in the cost', async () => {
  const questions = readQuestions(directory);
  const report = await replayWithAgreement(questions);
  expect(report).toMatchObject({ questions: 3, completed: 3, not_recorded: 0 });
  // The cheap models differ on every question, so that the dearest one answers all.
  expect(report.answered).toEqual({ economy: 0, standard: 0, premium: 3 });
  const alone = report.alone[recordedModels.at(-1)!.id]!;
  expect(report.upshift.right).toBe(alone.right);
  expect(report.upshift.cost_usd).toBeGreaterThan(alone.cost_usd);
});

test('a folder without the data is named, and so is an option that there is not', () => {
  const main = join(import.meta.dirname, 'main.ts');
  const replayOf = (...words: string[]) => spawnSync(process.execPath, [main, ...words], { encoding: 'utf8' });
  const elsewhere = join(directory, 'elsewhere');
  expect(replayOf('--data', elsewhere)).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(`^There is no ${elsewhere}.*; --data names the folder with the recorded answers\\.\n$`),
  });
  expect(replayOf('--date', elsewhere)).toMatchObject({ status: 2, stderr: expect.stringMatching(/^Unknown option '--date'/) });
});
