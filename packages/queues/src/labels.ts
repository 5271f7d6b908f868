import type { GateLabel, UpshiftConfig } from '@upshift/contracts';
import type { Seen } from '@upshift/routing';

import type { Cells } from './cells/cells.ts';
import type { Pipeline } from './pipeline.ts';

const DAY_MS = 24 * 3_600_000;
/** Labels read at a time. */
const PAGE = 1000;

/** What the classifier saw of a prompt, as a field of the job's record: the transition script adds it to the labels of the job's answers. */
export function seenField({ learning }: UpshiftConfig, seen: Seen): Record<string, string> {
  return learning.labels_kept === 0 ? {} : { seen: JSON.stringify(seen) };
}

/**
 * Keeps what somebody said of an answer afterwards, the newest `learning.labels_kept` of each cell. Beside the job's step and not in it: a label
 * that is lost in a crash is one of many, and no job waits for it.
 */
export async function keepLabel({ redis, keys, config, logger }: Pipeline, label: GateLabel | null): Promise<void> {
  const { labels_kept: most } = config.learning;
  if (label === null || most === 0) return;
  await redis
    .xadd(keys.labels, 'MAXLEN', '~', most, '*', 'label', JSON.stringify(label))
    .catch((error: unknown) => logger.warn({ job: label.job, reason: String(error) }, 'label not kept'));
}

/** Forgets labels that are older than `learning.labels_days`. */
export async function forgetLabels({ redis, keys, config }: Pipeline): Promise<number> {
  // As an id of the stream: of whole ms, and none before its first.
  const oldest = Math.max(0, Math.floor(Date.now() - config.learning.labels_days * DAY_MS));
  return redis.xtrim(keys.labels, 'MINID', oldest);
}

/** All labels of all cells, cell by cell, the oldest first. */
export async function* readLabels(cells: Cells): AsyncGenerator<GateLabel> {
  for (const { redis, keys } of await cells.all()) {
    for (let after = '-'; ;) {
      const page = await redis.xrange(keys.labels, after, '+', 'COUNT', PAGE);
      for (const [, [, label = '{}', , seen = '{}']] of page) yield { ...JSON.parse(label), ...JSON.parse(seen) } as GateLabel;
      if (page.length < PAGE) break;
      after = `(${page.at(-1)![0]}`;
    }
  }
}
