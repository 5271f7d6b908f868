import type { UpshiftConfig } from '@upshift/contracts';
import { upshiftConfig } from '@upshift/contracts';
import { calibrate } from '@upshift/routing';

import { playAll } from '../../services/cli/src/replay/engine.ts';
import { agreement, replayConfig } from './config.ts';
import { callsOf, recordedModels } from './gsm8k.ts';
import type { Question } from './gsm8k.ts';
import { reportOf } from './report.ts';
import type { Finished, Report } from './report.ts';

/** Sends all questions through the whole system with the recorded answers for models, and the thresholds as shipped. */
export async function replay(questions: Question[]): Promise<Report> {
  const config = upshiftConfig.parse(replayConfig);
  return timed(config, () => play(questions, config));
}

/** The same with the check `agreement`: an answer that is doubtful is compared with that of another cheap model, which is paid for. */
export async function replayWithAgreement(questions: Question[]): Promise<Report> {
  const config = withAgreement();
  return timed(config, () => play(questions, config));
}

/** The same with the scorer fitted to labels: each half of the questions is played with what the other half has taught. */
export async function replayCalibrated(questions: Question[]): Promise<Report> {
  const config = withAgreement();
  const halves = [0, 1].map((half) => questions.filter((_, index) => index % 2 === half));
  return timed(config, async () => {
    const finished: Finished[] = [];
    for (const [index, half] of halves.entries()) {
      const { profile } = calibrate(labelsOf(halves[1 - index]!));
      finished.push(...(await play(half, { ...config, scorer: { ...config.scorer, profile } })));
    }
    return finished;
  });
}

async function timed(config: UpshiftConfig, run: () => Promise<Finished[]>): Promise<Report> {
  const startedAt = performance.now();
  const finished = await run();
  return reportOf(finished, config, (performance.now() - startedAt) / 1000);
}

async function play(questions: Question[], config: UpshiftConfig): Promise<Finished[]> {
  const plays = questions.map((question) => ({
    key: question.id,
    request: { input: { prompt: question.prompt, response_format: { type: 'json_object' } } },
    seed: null,
    calls: callsOf(question),
    question,
  }));
  const played = await playAll(plays, config);
  return played.map((one) => {
    if ('refusal' in one) throw new Error(`question ${one.play.key} was refused: ${one.refusal.detail}`);
    return { question: one.play.question, job: one.job, trail: one.trail };
  });
}

function withAgreement(): UpshiftConfig {
  const { routes } = replayConfig;
  const route = { ...routes.default!, checks: [...(routes.default!.checks ?? []), agreement] };
  return upshiftConfig.parse({ ...replayConfig, routes: { default: route } });
}

/** What is known of the answers of all tiers that are judged. */
function labelsOf(questions: Question[]) {
  return questions.flatMap(({ id, prompt, answers }) =>
    recordedModels.slice(0, -1).map(({ id: model, tier }) => {
      const { text, right } = answers.get(model)!;
      return { question_id: id, prompt, tier, answer: text, ok: right };
    }),
  );
}
