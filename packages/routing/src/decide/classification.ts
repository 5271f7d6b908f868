import type { Classification, JobState, TrailEntry } from '@upshift/contracts';

import { classifyCalls, classifyNeeds, dependsOnComplexity } from '../classifier/ask-model.ts';
import {
  embeddersOf,
  hasCandidate,
  isEligible,
  isUsable,
  modelOf,
  namedInTier,
  preferredModels,
  ruleOf,
} from '../choose-model.ts';
import { tierForComplexity } from '../classify.ts';
import { draw } from '../draw.ts';
import type { Health } from '../facts.ts';
import { withoutDenials } from '../not-now.ts';
import { mayChoose, wantsVectors } from '../who-may-answer.ts';
import { attemptsLeft, mostEscalations } from './caps.ts';
import { enqueue, note } from './draft.ts';
import type { Draft } from './draft.ts';
import { endOfChain } from './end-of-chain.ts';
import { ask, askTier } from './next-attempt.ts';

export function accepted(draft: Draft): void {
  // Once: one that a canary holds has no step either.
  if (draft.job.epoch > 0) return;
  draft.trail.push(...acceptanceOf(draft.job));
  enqueue(draft, { kind: 'classify' });
}

/** The lines with which a job's trail begins. A new job tells them itself, so that they need not be written down while it waits. */
export function acceptanceOf(job: JobState): TrailEntry[] {
  const told = { job, trail: [], facts: { now: job.createdAt } };
  note(told, 'job-accepted', `route ${job.route}, configuration ${job.configVersion}`);
  for (const { experiment, arm, probability } of job.experiments?.arms ?? [])
    note(told, 'arm-assigned', `${experiment}: ${arm}, with probability ${Number(probability.toPrecision(4))}`);
  return told.trail;
}

/** Asks a cheap model how complex the prompt is, once. No command where none can be asked: the job is then classified without it. */
export function classifyRequested(draft: Draft): void {
  const { job, facts } = draft;
  if (job.step?.kind !== 'classify' || classifyCalls(job).length > 0 || !dependsOnComplexity(facts.config, job)) return;
  // The last one is for the answer.
  if (attemptsLeft(draft) < 2) return;
  const needs = classifyNeeds(job);
  const model = facts.config.classifier.llm.models.find((id) => isUsable(id, { needs }, facts));
  if (model === undefined) return;
  const { tier } = modelOf(facts.config, model);
  ask(draft, { purpose: 'classify', tier, model, needs }, 'asked how complex the prompt is');
}

/** The first model is chosen: the pinned one, or the best of the tier where the route says to start. */
export function classified(draft: Draft, classification: Classification): void {
  const { job } = draft;
  if (job.step?.kind !== 'classify') return;
  job.task ??= classification.task;
  const { tier, reason, propensity } = explored(draft, withinReach(draft, startOf(draft, classification)));
  job.classification = propensity === 1 ? classification : { ...classification, propensity };
  note(draft, 'job-classified', reason, {
    tier,
    complexity: classification.complexity,
    ...(propensity === 1 ? {} : { propensity }),
  });
  if (job.pinnedModel !== null)
    return ask(draft, { purpose: 'answer', tier, model: job.pinnedModel }, 'the job names this model');
  if (wantsVectors(job.needs)) return askEmbedder(draft, reason);
  // Also where it must wait for a model: it waits for none below.
  job.tier = tier;
  askTier(draft, tier, reason);
}

interface Start {
  tier: string;
  reason: string;
}

/** The tier that is wanted; where neither it nor one above has a model that can do the job, the nearest one below that has. */
function withinReach(draft: Draft, start: Start): Start {
  if (!mayChoose(draft.job)) return start;
  const { health } = draft.facts;
  // That a provider has denied the account is waited for only where nobody else can do the job.
  return reached(draft, start, health) ?? reached(draft, start, withoutDenials(health)) ?? start;
}

function reached({ job, facts: now }: Draft, start: Start, health: Health): Start | null {
  // An open circuit is waited for.
  const facts = { ...now, health: { ...health, circuitsOpen: {} } };
  const names = facts.config.tiers.map(({ name }) => name);
  const at = names.indexOf(start.tier);
  const hasAble = (tier: string): boolean => hasCandidate(job, tier, facts);
  // Those that a route names for a tier are missed where they are off, and not passed by.
  const isMissed = (tier: string): boolean => namedInTier(job, tier, facts).length > 0;
  if (names.slice(at).some((tier) => hasAble(tier) || isMissed(tier))) return start;
  const below = names.slice(0, at).findLast(hasAble);
  return below === undefined
    ? null
    : { tier: below, reason: `${start.reason}; no model there or above can do it, so it starts at ${below}` };
}

/** Which of the job's draws says whether it starts low by chance: no other decision uses it. */
const EXPLORE_DRAW = 1_000_003;

/** A stated part of the jobs that would start higher starts at the lowest tier: the answer is judged there, and good enough or not. */
function explored(draft: Draft, start: Start): Start & { propensity: number } {
  const { job, route, facts } = draft;
  const lowest = facts.config.tiers[0]!.name;
  const isOpen = route.strategy === 'cascade' && mayChoose(job);
  if (route.explore === 0 || !isOpen || start.tier === lowest || !mayShiftUpTo(draft, start.tier))
    return { ...start, propensity: 1 };
  if (draw(job.seed, EXPLORE_DRAW) >= route.explore) return { ...start, propensity: 1 - route.explore };
  return { tier: lowest, reason: `${start.reason}; by chance it starts at ${lowest}`, propensity: route.explore };
}

/** Whether an answer of the lowest tier that falls short may be escalated as far as that tier. */
function mayShiftUpTo(draft: Draft, tier: string): boolean {
  const level = draft.facts.config.tiers.findIndex(({ name }) => name === tier);
  return level <= mostEscalations(draft);
}

/** Vector spaces differ, so the choice must not depend on what is healthy now, nor on who has denied the account: the first that is declared and switched on. */
function askEmbedder(draft: Draft, reason: string): void {
  const { facts } = draft;
  const model = embedders(draft)[0];
  if (model === undefined) return endOfChain(draft, 'no embedding model of the route is switched on');
  ask(draft, { purpose: 'answer', tier: modelOf(facts.config, model).tier, model }, `${reason}; vectors of one model only`);
}

function embedders({ job, route, facts }: Draft): string[] {
  const lasting = { ...facts, health: withoutDenials(facts.health) };
  return embeddersOf(route, facts.config, preferredModels(job, facts.config)).filter((id) => isEligible(id, job, lasting));
}

function startOf({ job, route, facts }: Draft, classification: Classification): Start {
  const { config } = facts;
  if (job.pinnedModel !== null) return { tier: modelOf(config, job.pinnedModel).tier, reason: `pinned to ${job.pinnedModel}` };
  for (const source of sourcesOf(route)) {
    const rule = source === 'rules' && job.task !== null ? ruleOf(config, job.task) : undefined;
    if (rule) return { tier: rule.tier, reason: `rule for ${job.task}: start at ${rule.tier}` };
    if (source === 'classifier') break;
  }
  const tier = tierForComplexity(config, classification.complexity);
  return { tier, reason: `complexity ${classification.complexity} (${classification.reason}): start at ${tier}` };
}

/** Who says where to start. The strategy `rules` still needs a start for a task without a rule: the classifier's. */
function sourcesOf(route: Draft['route']): ('rules' | 'classifier')[] {
  if (route.strategy === 'cascade') return route.start;
  return route.strategy === 'rules' ? ['rules', 'classifier'] : ['classifier'];
}
