import { styleText } from 'node:util';

import { createLogUpdate } from 'log-update';

import type { JobView } from '@upshift/contracts';

/** How far a run is, in running totals. */
export interface RunProgress {
  total: number;
  submitted: number;
  ended: number;
  costUsd: number;
  /** Ended jobs by the tier of their answer. */
  byTier: Map<string, number>;
}

export function newProgress(total: number): RunProgress {
  return { total, submitted: 0, ended: 0, costUsd: 0, byTier: new Map() };
}

export function countEnded(progress: RunProgress, { cost_usd: costUsd, result }: JobView): void {
  const tier = result?.tier ?? 'none';
  progress.ended += 1;
  progress.costUsd += costUsd;
  progress.byTier.set(tier, (progress.byTier.get(tier) ?? 0) + 1);
}

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
  const filled = Math.round((BAR_WIDTH * progress.ended) / Math.max(1, progress.total));
  const bar = styleText('green', '█'.repeat(filled), { stream }) + styleText('gray', '░'.repeat(BAR_WIDTH - filled), { stream });
  return [`  ${bar}  ${summary(progress, startedAt)}`, `  ${tierCounts(progress)}`];
}

function summary({ total, submitted, ended, costUsd }: RunProgress, startedAt: number): string {
  const seconds = (Date.now() - startedAt) / 1000;
  const rate = ended / Math.max(0.1, seconds);
  const left = rate > 0 ? `, ${Math.ceil((total - ended) / rate)} s left` : '';
  return `${ended}/${total} done, ${submitted} submitted, ${rate.toFixed(0)} jobs/s, ${costUsd.toFixed(4)} USD${left}`;
}

function tierCounts({ byTier }: RunProgress): string {
  return [...byTier].map(([tier, count]) => `${tier} ${count}`).join(', ') || 'starting';
}
