import { expect, test } from 'vitest';

import { parseRequest, requestText, sortedRequestText } from '../../packages/queues/src/request-text.ts';
import { LOW, question, requestOf } from '../routing/example.ts';

const told = requestOf({
  input: { prompt: 'Which team?', tools: [{ name: 'find', parameters: {} }] },
  task: 'classification',
  route: 'chat',
  model: LOW,
  checks: [{ type: 'one_of', values: ['a', 'b'] }],
  limits: { cost_usd: 0.1 },
  priority: 'high',
  require: ['temperature'],
  metadata: { key: 'value' },
  webhook: 'hook',
});

test.each([question, told])('a request is read as it was written', (request) => {
  expect(parseRequest(requestText(request))).toEqual(request);
});

test('what a job leaves out takes no room', () => {
  expect(Object.keys(JSON.parse(requestText(question)) as object)).toEqual(['input']);
});

test('bodies that mean the same have the same text, in whatever order their keys stand, and others have not', () => {
  const parameters = { type: 'object', properties: { a: { enum: ['x', null] }, b: { enum: [1] } } };
  const turned = { properties: { b: { enum: [1] }, a: { enum: ['x', null] } }, type: 'object' };
  const other = { properties: { b: { enum: [1] }, a: { enum: [null, 'x'] } }, type: 'object' };
  const textOf = (schema: Record<string, unknown>) =>
    sortedRequestText(requestOf({ input: { prompt: 'Find it', tools: [{ name: 'find', parameters: schema }] } }));
  expect(textOf(turned)).toBe(textOf(parameters));
  expect(textOf(other)).not.toBe(textOf(parameters));
});
