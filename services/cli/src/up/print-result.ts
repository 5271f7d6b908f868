import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';

import type { UpshiftConfig } from '@upshift/contracts';
import { firstModelOf } from '@upshift/routing';

import type { Result } from './result.ts';
import { counted, table } from '../table.ts';

/** The result for people: two tables that line up, and what the scorer missed. */
export function printResult(result: Result, config: UpshiftConfig, stream: WriteStream | NodeJS.WriteStream): void {
  const strong = (text: string): string => styleText('bold', text, { stream });
  const lines = [
    '',
    strong(`${counted(result.jobs.total, 'job')} in ${result.seconds} s`),
    `  ${result.jobs.completed} completed (${result.jobs.degraded} degraded), ${result.jobs.failed} failed, ${result.jobs.cancelled} cancelled, ${result.jobs.expired} expired`,
    `  ${counted(result.escalations, 'escalation')}, ${counted(result.failovers, 'failover')}, ${counted(result.fallbacks, 'fallback')}`,
    '',
    ...table(
      ['', 'right', 'cost USD'],
      [
        [`all ${nameOf(config, 0)}`, percent(result.right_all_economy), usd(result.cost_all_economy_usd)],
        ['Upshift', percent(result.right), usd(result.cost_usd)],
        [`all ${nameOf(config, -1)}`, percent(result.right_all_premium), usd(result.cost_all_premium_usd)],
      ],
      strong,
    ),
    '',
    ...table(
      ['tier', 'calls', 'jobs answered', 'right', 'wrong, accepted', 'cost USD'],
      result.tiers.map((tier) => [
        tier.tier,
        tier.attempts,
        tier.answered_jobs,
        percent(tier.right),
        tier.accepted_wrong,
        usd(tier.cost_usd),
      ]),
      strong,
    ),
    '',
    `The scorer accepted ${result.scorer.accepted_wrong} wrong answers${result.scorer.escalated_right === null ? '' : ` and escalated ${result.scorer.escalated_right} right ones`}.`,
    ...(result.cost_unknown_jobs > 0
      ? [`The cost of ${counted(result.cost_unknown_jobs, 'job')} is partly unknown: a call was sent and its outcome never came.`]
      : []),
    '',
  ];
  stream.write(`${lines.join('\n')}\n`);
}

function nameOf(config: UpshiftConfig, index: number): string {
  const tier = config.tiers.at(index)?.name ?? '';
  return `${tier} (${firstModelOf(config, tier) ?? 'no model'})`;
}

function percent(share: number | null): string {
  return share === null ? 'unknown' : `${(share * 100).toFixed(1)} %`;
}

function usd(amount: number | null): string {
  return amount === null ? 'unknown' : amount.toFixed(6);
}
