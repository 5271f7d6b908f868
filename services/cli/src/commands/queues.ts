import { setTimeout as pause } from 'node:timers/promises';

import type { QueuesView } from '@upshift/contracts';
import { createLogUpdate } from 'log-update';

import type { Api } from '../api.ts';
import { exitCode } from '../exit-code.ts';
import { print } from '../print.ts';
import { table } from '../table.ts';

/** Between two looks, in ms: the steward measures every 5 s, and the counts are those of now. */
const WATCH_MS = 1000;

/** What waits where, and for how long. */
export async function queues(api: Api, { json, watch }: { json: boolean; watch: boolean }): Promise<number> {
  if (watch) return watchQueues(api, json);
  print(textOf(await api.get<QueuesView>('/v1/queues'), json));
  return exitCode.ok;
}

/** Redraws on a terminal; elsewhere each look follows the last. Ends with Ctrl-C, or when the API goes away. */
async function watchQueues(api: Api, json: boolean): Promise<never> {
  const redraw = process.stdout.isTTY && !json ? createLogUpdate(process.stdout) : print;
  for (;;) {
    redraw(textOf(await api.get<QueuesView>('/v1/queues'), json));
    await pause(WATCH_MS);
  }
}

function textOf(view: QueuesView, json: boolean): string {
  if (json) return JSON.stringify(view);
  const rows = view.data.map(({ queue, tier, model, waiting, delayed, active, failed, oldest_waiting_s: oldest }) => [
    model === null ? queue : `${tier} · ${model}`,
    waiting,
    active,
    delayed,
    failed,
    oldest.toFixed(1),
  ]);
  const lines = table(['queue', 'waiting', 'active', 'delayed', 'failed', 'oldest, s'], rows);
  return [...lines, '', `${view.unfinished_jobs} unfinished jobs`].join('\n');
}
