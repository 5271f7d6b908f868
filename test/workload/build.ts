import { mkdirSync, writeFileSync } from 'node:fs';
import { answerBook } from './book.ts';
import { classification } from './classification.ts';
import { codeGeneration } from './code_generation.ts';
import { creativeWriting } from './creative_writing.ts';
import { embedding } from './embedding.ts';
import type { ChatEntry, Entry, Task } from './entry.ts';
import { extraction } from './extraction.ts';
import { assertFaultsHitOneUnjudgedRow, faults } from './faults.ts';
import { assertMix, report } from './measure.ts';
import { questions } from './questions.ts';
import { Random } from './random.ts';
import { summarization } from './summarization.ts';
import { translation } from './translation.ts';
import { wordProblems } from './word_problems.ts';

const prefixes: Record<Task, string> = {
  classification: 'cls',
  summarization: 'sum',
  code_generation: 'cod',
  creative_writing: 'cre',
  embedding: 'emb',
  translation: 'tra',
  question_answering: 'qna',
  extraction: 'ext',
};

const chatEntries: ChatEntry[] = [
  ...classification,
  ...extraction,
  ...wordProblems,
  ...questions,
  ...summarization,
  ...translation,
  ...codeGeneration,
  ...creativeWriting,
];

/** Ids follow the authoring order within each task, so adding a row at the end of a task renames no other. */
function workloadRows(entries: Entry[]): object[] {
  const counts = new Map<Task, number>();
  return entries.map(({ row: { task, input, checks, gold, matcher } }) => {
    const count = (counts.get(task) ?? 0) + 1;
    counts.set(task, count);
    return { id: `${prefixes[task]}-${String(count).padStart(3, '0')}`, task, input, checks, gold, matcher };
  });
}

/** Rows as a user would have them: jobs, without the right answers. */
function jobs(entries: Entry[]): object[] {
  return entries.map(({ row: { task, input, checks } }) => ({ task, input, checks }));
}

function jsonLines(values: object[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join('');
}

const rows = workloadRows([...chatEntries, ...embedding]);
console.log(report(chatEntries, rows.length));
assertMix(chatEntries, rows.length);
assertFaultsHitOneUnjudgedRow(chatEntries);

const folder = new URL('../../examples/', import.meta.url);
const book = answerBook(chatEntries);
mkdirSync(folder, { recursive: true });
// Real traffic comes mixed; sorted by task, the first minute of a run would show classification only.
writeFileSync(new URL('workload.jsonl', folder), jsonLines(new Random('order of the workload').shuffled(rows)));
writeFileSync(new URL('tickets.jsonl', folder), jsonLines(jobs(classification)));
writeFileSync(new URL('answer-book.jsonl', folder), jsonLines(book));
writeFileSync(new URL('faults.json', folder), `[\n${faults.map((fault) => `  ${JSON.stringify(fault)}`).join(',\n')}\n]\n`);
console.log(
  `\nwrote ${rows.length} rows, ${classification.length} tickets, ${book.length} answers and ${faults.length} fault rules to examples/`,
);
