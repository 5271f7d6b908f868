import { upshiftConfig } from '@upshift/contracts';

import { playAll } from '../../services/cli/src/replay/engine.ts';
import { replayConfig } from './config.ts';
import { callsOf } from './gsm8k.ts';
import type { Question } from './gsm8k.ts';
import { reportOf } from './report.ts';
import type { Report } from './report.ts';

/** Sends all questions through the whole system with the recorded answers for models. */
export async function replay(questions: Question[]): Promise<Report> {
  const config = upshiftConfig.parse(replayConfig);
  const plays = questions.map((question) => ({
    key: question.id,
    request: { input: { prompt: question.prompt, response_format: { type: 'json_object' } } },
    seed: null,
    calls: callsOf(question),
    question,
  }));
  const startedAt = performance.now();
  const played = await playAll(plays, config);
  const finished = played.map((one) => {
    if ('refusal' in one) throw new Error(`question ${one.play.key} was refused: ${one.refusal.detail}`);
    return { question: one.play.question, job: one.job, trail: one.trail };
  });
  return reportOf(finished, config, (performance.now() - startedAt) / 1000);
}
