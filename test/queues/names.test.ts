import type { JobExperiments, JobStatus } from '@upshift/contracts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  cellOfId,
  decodeModelId,
  encodeModelId,
  entryId,
  firstIdAt,
  idInCell,
  indexesOf,
  isJobId,
  modelQueue,
  newJobId,
  orderOfId,
  parseModelQueue,
} from '../../packages/queues/src/names.ts';
import { NOON } from '../routing/example.ts';

const name = fc.oneof(fc.string({ minLength: 1, unit: 'grapheme' }), fc.stringMatching(/^[a-z~%:/.é2F]{1,40}$/));

test('a model id comes back from its encoding, whatever it holds, and BullMQ and URLs take it', () => {
  fc.assert(
    fc.property(name, (text) => {
      const encoded = encodeModelId(`p/${text}`);
      expect(decodeModelId(encoded)).toBe(`p/${text}`);
      expect(encoded).not.toMatch(/[:/%{}]/);
    }),
  );
});

test('two model ids never share a queue', () => {
  fc.assert(fc.property(name, name, (one, two) => one === two || modelQueue('t', one) !== modelQueue('t', two)));
});

test('the name of a queue says its tier and model', () => {
  fc.assert(
    fc.property(name, (text) => {
      expect(parseModelQueue(modelQueue('economy', `p/${text}`))).toEqual({ tier: 'economy', modelId: `p/${text}` });
    }),
  );
  expect(modelQueue('fallback', 'p/m')).toBe('fallback');
  expect(parseModelQueue('classify')).toBeNull();
});

test('the ids of a cell are in the order of their time, say their cell, and can not be guessed', () => {
  const ids = [0, 1, 15, 16, NOON, NOON + 1].map((now) => newJobId(10, now));
  expect(ids.toSorted()).toEqual(ids);
  expect(ids.map(cellOfId)).toEqual(ids.map(() => 10));
  expect(ids[4]).toMatch(new RegExp(`^job_a0*${NOON.toString(16)}[0-9a-f]{18}$`));
  const many = Array.from({ length: 1000 }, () => newJobId(0, NOON));
  expect(new Set(many).size).toBe(1000);
  expect(many.every(isJobId)).toBe(true);
});

test('jobs of all cells are in the order of their time, and a place in it can be taken to another cell', () => {
  const [early, late] = [newJobId(15, NOON), newJobId(0, NOON + 1)] as const;
  expect(orderOfId(early) < orderOfId(late)).toBe(true);
  expect(cellOfId(idInCell(early, 3))).toBe(3);
  expect(orderOfId(idInCell(early, 3))).toBe(orderOfId(early));
  expect(firstIdAt(0, NOON) < idInCell(early, 0) && idInCell(early, 0) < firstIdAt(0, NOON + 1)).toBe(true);
});

test.each(['', 'job_', `job_${'0'.repeat(30)}`, `job_${'0'.repeat(32)}`, `job_${'A'.repeat(31)}`, `x job_${'0'.repeat(31)}`])(
  '%j is no id of a job, and belongs to the first cell',
  (text) => expect([isJobId(text), cellOfId(text)]).toEqual([false, 0]),
);

test('an entry has another id for each step, attempt, revision and epoch', () => {
  const job = { id: 'job_0', revision: 1, epoch: 0 };
  expect([
    entryId(job, { kind: 'classify' }),
    entryId(job, { kind: 'call', attempt: 2 }),
    entryId(job, { kind: 'score', attempt: 2 }),
    entryId({ ...job, revision: 3, epoch: 4 }, { kind: 'score', attempt: 5 }),
  ]).toEqual(['job_0.1.classify.0', 'job_0.1.call-2.0', 'job_0.1.score-2.0', 'job_0.3.score-5.4']);
});

describe('the lists in which a job stands', () => {
  const part: JobExperiments = {
    arms: [{ experiment: 'tried', arm: 'new', probability: 1 }],
    baseConfigVersion: 'v1',
    holdFor: null,
    held: null,
    discardedAttempts: 0,
    shadowOf: null,
  };
  const held: JobExperiments['held'] = { status: 'completed', finalAttempt: 1, degraded: false, reason: '', at: 0 };
  const listsOf = (experiments: JobExperiments | null, status: JobStatus = 'queued', task: string | null = null) =>
    indexesOf({ status, route: 'chat', task, experiments }, {});

  test.each<[string, string[], string[]]>([
    ['a plain job', listsOf(null), ['queued:chat']],
    ['one with a task', listsOf(null, 'completed', 'extraction'), ['completed:chat', 'task:extraction']],
    ['one of an experiment that holds nothing', listsOf(part), ['queued:chat']],
    ['one of a canary that holds', listsOf({ ...part, holdFor: 'tried' }), ['queued:chat', 'canary:tried']],
    ['a held one', listsOf({ ...part, holdFor: 'tried', held }), ['queued:chat', 'canary:tried', 'held:tried']],
    ['one whose canary is over', listsOf({ ...part, holdFor: 'tried', held }, 'completed'), ['completed:chat']],
    ['a shadow', listsOf({ ...part, shadowOf: 'job_0' }), ['shadows', 'shadow:tried:new']],
    ['a shadow that has ended', listsOf({ ...part, shadowOf: 'job_0' }, 'completed'), []],
  ])('are, of %s, %j', (_, lists, expected) => expect(lists).toEqual(expected));

  test('are by metadata hashes, in which key and value can not be mistaken for one another', () => {
    const job = { status: 'queued', route: 'chat', task: null, experiments: null } as const;
    const lists = [{ a: 'bc' }, { ab: 'c' }].map((metadata) => indexesOf(job, metadata)[1]!);
    for (const list of lists) expect(list).toMatch(/^metadata:[\w-]{22}$/);
    expect(new Set(lists).size).toBe(2);
  });
});
