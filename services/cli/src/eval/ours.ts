import { bareFacts, classifyBy, draw, factsOfAnswer, fitProfile, foldOf, FOLDS, logOddsOf, lookOf } from '@upshift/routing';
import type { AnswerFacts, ClassifierModel, ScorerWeights } from '@upshift/routing';

import type { ScorerProfile } from '@upshift/contracts';

import type { Router } from './money.ts';
import type { Pair, PairQuestion } from './pairs.ts';

/** The weights that a question is scored by. */
export interface Weights {
  classifier: (question: PairQuestion) => ClassifierModel;
  scorer: (question: PairQuestion) => ScorerWeights;
}

/** How many labels the calibrated track is given. */
const LABELS = [50, 200, 400];

/** A question whose answers have been read. */
interface Read {
  question: PairQuestion;
  facts: AnswerFacts;
  others: AnswerFacts[];
}

/** The three tracks of Upshift on a pair. */
export function oursOf(pair: Pair, weights: Weights): Router[] {
  const { questions } = pair;
  const hasPrompts = questions.some(({ prompt }) => prompt !== '');
  const hasAnswers = questions.every(({ answer }) => answer !== null);
  return [
    ...(hasPrompts ? [classifierOn(questions, weights)] : []),
    ...(hasAnswers ? scorersOn(questions.map(read), weights, hasPrompts ? LABELS : []) : []),
  ];
}

function classifierOn(questions: PairQuestion[], weights: Weights): Router {
  const scores = questions.map((question) => classifyBy(weights.classifier(question), bareFacts(question.prompt)).complexity);
  return { track: 'shipped defaults', name: 'classifier', kind: 'prompt', scores, extra: 0 };
}

function read(question: PairQuestion): Read {
  const { prompt, answer, others } = question;
  return {
    question,
    facts: factsOfAnswer(prompt, answer ?? ''),
    others: others.map((other) => factsOfAnswer(prompt, other.answer)),
  };
}

function scorersOn(reads: Read[], weights: Weights, labels: number[]): Router[] {
  const cascade = (track: Router['track'], name: string, extra: number, profiles: (ScorerProfile | null)[] = []): Router => ({
    track,
    name,
    kind: 'cascade',
    extra,
    scores: reads.map((one) => -scoreOf(one, weights, extra, profiles[foldOf(one.question.id)] ?? null)),
  });
  const most = Math.min(...reads.map(({ others }) => others.length));
  const extras = Array.from({ length: most }, (_, index) => index + 1);
  return [
    cascade('shipped defaults', 'scorer', 0),
    ...labels.map((count) => cascade('calibrated', `scorer, ${count} labels`, 0, profilesOf(reads, weights, count))),
    ...extras.map((extra) => cascade('extra cheap answers', `scorer, ${extra} extra`, extra)),
  ];
}

/** The log-odds that the weak model's answer is right. */
function scoreOf({ question, facts, others }: Read, weights: Weights, extra: number, profile: ScorerProfile | null): number {
  const scorer = weights.scorer(question);
  const looks = others.slice(0, extra).map((other) => lookOf(other, scorer));
  return logOddsOf(facts, looks, profile, scorer);
}

/** For each fold a profile by so many labels of the other folds; null where they are all the same. */
function profilesOf(reads: Read[], weights: Weights, count: number): (ScorerProfile | null)[] {
  return Array.from({ length: FOLDS }, (_, fold) => {
    const shuffled = reads
      .map((one, index) => ({ one, order: draw(0.25, index) }))
      .filter(({ one }) => foldOf(one.question.id) !== fold)
      .toSorted((a, b) => a.order - b.order);
    const labels = shuffled.slice(0, count).map(({ one: { question, facts } }) => ({
      facts,
      ok: question.weak >= 0.5,
      weights: weights.scorer(question),
    }));
    return new Set(labels.map(({ ok }) => ok)).size < 2 ? null : fitProfile(labels);
  });
}
