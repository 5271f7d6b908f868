import { idempotencyKey, ProblemError } from '@upshift/contracts';
import type { JobState, UpshiftConfig } from '@upshift/contracts';
import {
  acceptJob,
  candidatesInTier,
  costOf,
  decide,
  draw,
  mayChoose,
  classifierOf,
  classifierTypeOf,
  nanoUsdToUsd,
  needsUnder,
  plainUsage,
  promptFactsOf,
  readJobBody,
  wantsVectors,
} from '@upshift/routing';
import type { Facts } from '@upshift/routing';
import { configVersionOf, readEnvironment, resolveProviders } from '@upshift/runtime';

import { exitCode } from '../exit-code.ts';
import { show } from '../print.ts';
import { table } from '../table.ts';
import { isLive } from '../up/is-live.ts';
import { usableConfig } from '../usable-config.ts';
import { readRows } from './read-rows.ts';
import type { Row, RowOptions } from './read-rows.ts';

export interface DryRunOptions extends RowOptions {
  /** What an answer is taken to have, in tokens; a job's own cap holds where it is lower. */
  outputTokens: number;
  json: boolean;
}

/** Jobs of one first model. Costs in USD, null where a price is not known. */
interface Estimate {
  tier: string;
  model: string;
  jobs: number;
  input_tokens: number;
  /** Each answered by its first call. */
  cost_usd: number | null;
  /** Each asked again in every tier above, as far as the top. */
  cost_escalated_usd: number | null;
}

/** Bad rows that are shown one by one. */
const SHOWN_REFUSALS = 10;

/** `upshift run --dry-run`: where the rows of a file would start and what they would cost, without an API. Returns the exit code. */
export async function dryRun(file: string, { outputTokens, json, ...options }: DryRunOptions): Promise<number> {
  const environment = readEnvironment();
  const config = usableConfig(environment.UPSHIFT_CONFIG);
  const live = isLive(config, environment);
  const plan = planner(config, live ? environment.raw : { UPSHIFT_SANDBOX_URL: 'http://sandbox' }, outputTokens);
  const estimates = new Map<string, Estimate>();
  const refused: { line: number; error: string }[] = [];
  for await (const row of readRows(file, options)) {
    try {
      add(estimates, plan(row));
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      refused.push({ line: row.line, error: error.message });
    }
  }
  const starts = [...estimates.values()].toSorted((a, b) => b.jobs - a.jobs);
  const total = { ...starts.reduce(sum, emptyEstimate), tier: 'total', model: '' };
  const text = [...lines(starts, total, outputTokens, live), ...refusalLines(refused)];
  show(json, { output_tokens: outputTokens, starts, total, refused }, text);
  return refused.length === 0 ? exitCode.ok : exitCode.failed;
}

/** Gives a row's estimate as the services would decide it now. Throws a `ProblemError` for a row that intake would refuse. */
function planner(config: UpshiftConfig, environment: NodeJS.ProcessEnv, outputTokens: number): (row: Row) => Estimate {
  const now = Date.now();
  const providers = resolveProviders(config, environment);
  const providersOff = Object.fromEntries(providers.flatMap(({ id, off }) => (off === null ? [] : [[id, off]])));
  const health = { providersOff, circuitsOpen: {} };
  const acceptance = { id: 'job_0', configVersion: configVersionOf(config), now, health };
  return ({ job: body, error, line }) => {
    if (error !== null) throw new ProblemError('invalid_job', error);
    const request = readJobBody(withoutKey(body));
    // By the line: the same file is priced the same again.
    const seed = draw(0.5, line);
    const facts: Facts = { config, health, now, draw: draw(seed, 0) };
    const accepted = decide(acceptJob(request, config, { ...acceptance, seed }), { type: 'accepted' }, facts).job;
    const classification = classifierOf(
      classifierTypeOf(config, request.route),
      config.classifier.profile,
    )(promptFactsOf(request));
    return estimateOf(decide(accepted, { type: 'classified', classification }, facts).job, facts, outputTokens);
  };
}

/** As intake reads a line: the key is none of the job's fields. */
function withoutKey(row: Row['job']): object {
  const { idempotency_key: key, ...body } = row ?? {};
  const message = idempotencyKey.optional().safeParse(key).error?.issues[0]?.message;
  if (message !== undefined) throw ProblemError.ofFields('invalid_job', [{ field: 'idempotency_key', value: key, message }]);
  return body;
}

function estimateOf(job: JobState, facts: Facts, outputTokens: number): Estimate {
  const { config, now } = facts;
  const first = job.attempts[0];
  if (first === undefined)
    throw new ProblemError('no_capable_model', job.reasons.join('; ') || 'no model that can be called now');
  const { inputTokens, maxOutputTokens } = needsUnder(config.routes[job.route]!, job.needs);
  const asked = wantsVectors(job.needs) ? 0 : Math.min(outputTokens, maxOutputTokens ?? Infinity);
  const costs = [first.model, ...modelsAbove(job, first.tier, facts)].map((id) => {
    const model = config.models[id]!;
    return costOf(plainUsage(inputTokens, Math.min(asked, model.max_output_tokens)), model, now);
  });
  return {
    tier: first.tier,
    model: first.model,
    jobs: 1,
    input_tokens: inputTokens,
    cost_usd: usd(costs[0] ?? null),
    cost_escalated_usd: usd(costs.reduce(plus, 0)),
  };
}

/** Where a job that fails every check goes: the first model that it may be given of each tier above. Only a cascade shifts up. */
function modelsAbove(job: JobState, tier: string, facts: Facts): string[] {
  const { routes, tiers } = facts.config;
  if (!mayChoose(job) || routes[job.route]?.strategy !== 'cascade') return [];
  const above = tiers.slice(tiers.findIndex(({ name }) => name === tier) + 1);
  return above.flatMap(({ name }) => candidatesInTier(job, name, facts)[0] ?? []);
}

function add(estimates: Map<string, Estimate>, one: Estimate): void {
  const before = estimates.get(one.model);
  estimates.set(one.model, before === undefined ? one : { ...one, ...sum(before, one) });
}

const emptyEstimate = { jobs: 0, input_tokens: 0, cost_usd: 0 as number | null, cost_escalated_usd: 0 as number | null };

function sum(a: typeof emptyEstimate, b: typeof emptyEstimate): typeof emptyEstimate {
  return {
    jobs: a.jobs + b.jobs,
    input_tokens: a.input_tokens + b.input_tokens,
    cost_usd: plus(a.cost_usd, b.cost_usd),
    cost_escalated_usd: plus(a.cost_escalated_usd, b.cost_escalated_usd),
  };
}

/** Unknown stays unknown. */
function plus(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}

function usd(nanoUsd: number | null): number | null {
  return nanoUsd === null ? null : nanoUsdToUsd(nanoUsd);
}

function lines(starts: Estimate[], total: Estimate, outputTokens: number, live: boolean): string[] {
  const rows = [...starts, total].map((one) => [
    one.model === '' ? one.tier : `${one.tier} · ${one.model}`,
    one.jobs,
    one.input_tokens,
    costWords(one.cost_usd),
    costWords(one.cost_escalated_usd),
  ]);
  return [
    ...table(['starts at', 'jobs', 'input tokens', 'USD, first call', 'USD, up to the top'], rows),
    '',
    `Input is estimated at 4 characters a token, answers at ${outputTokens} tokens (--output-tokens). Judges and repeated calls come on top.`,
    ...(live ? [] : ['No provider has a key here, so each that is switched on is taken to have one.']),
  ];
}

function costWords(cost: number | null): string {
  return cost === null ? 'unknown' : cost.toFixed(6);
}

function refusalLines(refused: { line: number; error: string }[]): string[] {
  if (refused.length === 0) return [];
  const shown = refused.slice(0, SHOWN_REFUSALS).map(({ line, error }) => `  line ${line}: ${error}`);
  const more = refused.length > SHOWN_REFUSALS ? [`  and ${refused.length - SHOWN_REFUSALS} more`] : [];
  return ['', `Rows that would be refused: ${refused.length}`, ...shown, ...more];
}
