import type { JobState, SavingsView, UpshiftConfig } from '@upshift/contracts';
import { splitModelId } from '@upshift/contracts';
import {
  CLASSIFY_QUEUE,
  DELIVER_QUEUE,
  FALLBACK_QUEUE,
  listJobs,
  minuteOf,
  providersHeardOf,
  readHealth,
  readJob,
  readQueues,
  readStats,
  readStuck,
  SCORE_QUEUE,
} from '@upshift/queues';
import type { Cells, MinuteStats, QueueState, Stuck } from '@upshift/queues';
import type { Health } from '@upshift/routing';
import { firstModelOf, whyOff } from '@upshift/routing';

import type { OverviewQuery } from './overview-query.ts';
import { sum } from './plots.ts';

/** A tier, or a step that all jobs go through, with the sums of its queues. */
export interface Stage {
  name: string;
  kind: 'tier' | 'step';
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
  oldestWaitingMs: number;
  stuck: number;
}

/** A model of the configuration: whether it can be called, and what waits for it. */
export interface ModelState {
  id: string;
  tier: string;
  waiting: number;
  active: number;
  /** `unknown` while no live worker says a word of the provider. */
  provider: { state: 'on' | 'off' | 'unknown'; reason: string | null };
  /** When the open circuit may close again, in ms since the epoch; null where it is not open. */
  openUntil: number | null;
  /** The circuit was open, may close again, and the model has not answered since. */
  isProbing: boolean;
}

/** What became of the jobs of one hour. */
interface HourStats {
  completed: number;
  failed: number;
  expired: number;
  costNanoUsd: number;
  besideNanoUsd: number;
  aloneNanoUsd: number;
}

interface JobList {
  jobs: JobState[];
  hasMore: boolean;
}

/** All that the overview shows, as read at one moment. */
export interface Overview {
  now: number;
  /** How many cells there are. */
  cells: number;
  stages: Stage[];
  stuck: Stuck;
  models: ModelState[];
  lastHour: HourStats;
  /** The model whose price savings are measured against. */
  topModel: string | null;
  savings: SavingsView;
  list: JobList;
}

const JOBS_LISTED = 20;
const HOUR_MINUTES = 60;

/** @param readSavings of the last days: it takes long, so that not every page has its own */
export async function readOverview(
  cells: Cells,
  query: OverviewQuery,
  readSavings: () => Promise<SavingsView>,
): Promise<Overview> {
  const now = Date.now();
  const { config } = cells;
  const minute = minuteOf(now);
  const queues = await readQueues(cells);
  const [stuck, health, heard, stats, savings, list] = await Promise.all([
    readStuck(cells, queues),
    readHealth(cells),
    providersHeardOf(cells),
    readStats(cells, minute - HOUR_MINUTES + 1, minute),
    readSavings(),
    readList(cells, query),
  ]);
  return {
    now,
    cells: (await cells.all()).length,
    stages: stagesOf(config, queues, stuck),
    stuck,
    models: modelsOf(config, queues, health, heard),
    lastHour: hourOf(stats),
    topModel: firstModelOf(config, config.tiers.at(-1)?.name ?? ''),
    savings,
    list,
  };
}

/** In the order in which an operator reads them: the tiers, the fallback, then the steps around them. */
export function stagesOf(config: UpshiftConfig, queues: QueueState[], stuck: Stuck): Stage[] {
  const steps = [CLASSIFY_QUEUE, SCORE_QUEUE, DELIVER_QUEUE];
  const tiers = [...config.tiers.map(({ name }) => name), FALLBACK_QUEUE];
  // A tier that left the configuration keeps its queues until they are empty.
  const found = queues.flatMap(({ tier }) => tier ?? []);
  const others = queues.flatMap(({ tier, queue }) => (tier === null ? [queue] : []));
  return [
    ...unique([...tiers, ...found]).map((name) => stageOf(name, 'tier', queues, stuck)),
    ...unique([...steps, ...others]).map((name) => stageOf(name, 'step', queues, stuck)),
  ];
}

function stageOf(name: string, kind: Stage['kind'], queues: QueueState[], stuck: Stuck): Stage {
  const isHere = ({ queue, tier }: { queue: string | null; tier: string | null }): boolean =>
    kind === 'tier' ? tier === name : tier === null && queue === name;
  const here = queues.filter(isHere);
  const total = (value: (queue: QueueState) => number): number => here.reduce((all, queue) => all + value(queue), 0);
  const idle = stuck.queues.filter(isHere).reduce((all, { entries }) => all + entries, 0);
  return {
    name,
    kind,
    waiting: total(({ waiting }) => waiting),
    active: total(({ active }) => active),
    delayed: total(({ delayed }) => delayed),
    failed: total(({ failed }) => failed),
    oldestWaitingMs: Math.max(0, ...here.map(({ oldestWaitingMs }) => oldestWaitingMs)),
    stuck: idle + stuck.jobs.filter(isHere).length,
  };
}

export function modelsOf(config: UpshiftConfig, queues: QueueState[], health: Health, heard: Set<string>): ModelState[] {
  const rows = Object.entries(config.models).map(([id, { tier }]): ModelState => {
    const own = queues.filter((queue) => queue.model === id && queue.tier === tier);
    return {
      id,
      tier,
      waiting: own.reduce((all, { waiting, delayed }) => all + waiting + delayed, 0),
      active: own.reduce((all, { active }) => all + active, 0),
      provider: providerOf(config, splitModelId(id).provider, health, heard),
      openUntil: health.circuitsOpen[id] ?? null,
      isProbing: health.circuitsProbing?.includes(id) === true,
    };
  });
  const order = config.tiers.map(({ name }) => name);
  return rows.toSorted((one, other) => order.indexOf(one.tier) - order.indexOf(other.tier));
}

function providerOf(config: UpshiftConfig, name: string, health: Health, heard: Set<string>): ModelState['provider'] {
  const off = whyOff(name, config, health);
  if (off !== null) return { state: 'off', reason: off };
  return heard.has(name) ? { state: 'on', reason: null } : { state: 'unknown', reason: 'no worker runs' };
}

function hourOf(stats: MinuteStats[]): HourStats {
  return {
    completed: sum(stats, ({ ended }) => ended.completed),
    failed: sum(stats, ({ ended }) => ended.failed),
    expired: sum(stats, ({ ended }) => ended.expired),
    costNanoUsd: sum(stats, ({ costNanoUsd }) => costNanoUsd),
    besideNanoUsd: sum(stats, ({ besideNanoUsd }) => besideNanoUsd),
    aloneNanoUsd: sum(stats, ({ aloneNanoUsd }) => aloneNanoUsd),
  };
}

async function readList(cells: Cells, { status, after }: OverviewQuery): Promise<JobList> {
  const { ids, hasMore } = await listJobs(cells, { status: status ?? undefined }, { limit: JOBS_LISTED, after });
  const records = await Promise.all(ids.map((id) => readJob(cells.of(id), id)));
  return { jobs: records.flatMap((record) => record?.state ?? []), hasMore };
}

function unique(names: string[]): string[] {
  return [...new Set(names)];
}
