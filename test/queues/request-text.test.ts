import { expect, test } from 'vitest';

import { parseRequest, requestText } from '../../packages/queues/src/request-text.ts';
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
