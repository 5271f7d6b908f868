import { styleText } from 'node:util';

import { createLogUpdate } from 'log-update';

import type { RunProgress } from './run-workload.ts';

/** Shows how far a run is: a bar that redraws itself on a terminal, a line now and then elsewhere. */
export interface Progress {
  show(progress: RunProgress): void;
  done(): void;
}

const BAR_WIDTH = 30;
const LINE_EVERY_MS = 5000;

export function createProgress(stream: NodeJS.WriteStream): Progress {
  return stream.isTTY ? terminalProgress(stream) : lineProgress(stream);
}

function terminalProgress(stream: NodeJS.WriteStream): Progress {
  const update = createLogUpdate(stream);
  const startedAt = Date.now();
  return { show: (progress) => update(lines(progress, startedAt, stream).join('\n')), done: () => update.done() };
}

function lineProgress(stream: NodeJS.WriteStream): Progress {
  const startedAt = Date.now();
  let last = startedAt;
  return {
    show(progress) {
      if (Date.now() - last < LINE_EVERY_MS) return;
      last = Date.now();
      stream.write(`${summary(progress, startedAt)}\n`);
    },
    done: () => undefined,
  };
}

function lines(progress: RunProgress, startedAt: number, stream: NodeJS.WriteStream): string[] {
  const filled = Math.round((BAR_WIDTH * progress.ended.length) / Math.max(1, progress.total));
  const bar = styleText('green', '█'.repeat(filled), { stream }) + styleText('gray', '░'.repeat(BAR_WIDTH - filled), { stream });
  return [`  ${bar}  ${summary(progress, startedAt)}`, `  ${byTier(progress)}`];
}

function summary({ total, submitted, ended }: RunProgress, startedAt: number): string {
  const seconds = (Date.now() - startedAt) / 1000;
  const rate = ended.length / Math.max(0.1, seconds);
  const left = rate > 0 ? `${Math.ceil((total - ended.length) / rate)} s left` : '';
  const cost = ended.reduce((sum, job) => sum + job.cost_usd, 0);
  return `${ended.length}/${total} done, ${submitted} submitted, ${rate.toFixed(0)} jobs/s, ${cost.toFixed(4)} USD, ${left}`;
}

function byTier({ ended }: RunProgress): string {
  const tiers = new Map<string, number>();
  for (const { result } of ended) tiers.set(result?.tier ?? 'none', (tiers.get(result?.tier ?? 'none') ?? 0) + 1);
  return [...tiers].map(([tier, count]) => `${tier} ${count}`).join(', ') || 'starting';
}
