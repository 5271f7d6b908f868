import type { Classification, UpshiftConfig } from '@upshift/contracts';
import { readOutside } from '@upshift/queues';
import type { StepContext } from '@upshift/queues';
import { instead, promptFactsOf, readClassification } from '@upshift/routing';
import { postOutside } from '@upshift/runtime';

/** Longest answer of a service, in bytes: a small JSON object. */
const MOST_BYTES = 10_000;

/** Asks the user's own service, within its deadline; where it says nothing that can be read, this process has the word. */
export async function askService(
  { pipeline, job, request }: StepContext<'classify'>,
  { classifier: { http } }: UpshiftConfig,
  own: Classification,
): Promise<Classification> {
  const { webhook, timeout_s: timeoutS } = http!;
  const outside = await readOutside(pipeline, webhook);
  if ('refused' in outside) return instead(own, `the service was not asked: ${outside.refused}`);
  const { prompt, systemPrompt, task } = promptFactsOf(request);
  const data = { job: job.id, route: job.route, task, prompt, system_prompt: systemPrompt };
  const body = JSON.stringify({ type: 'prompt.classify', timestamp: new Date().toISOString(), data });
  const limits = { timeoutMs: timeoutS * 1000, mostBytes: MOST_BYTES };
  const { body: answer, error } = await postOutside(outside, `msg_${job.id}_classify`, body, limits);
  if (error !== null) return instead(own, `the service was not heard: ${error}`);
  return readClassification(answer, webhook) ?? instead(own, `what ${webhook} answered can not be read`);
}
