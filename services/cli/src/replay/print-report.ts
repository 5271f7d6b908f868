import { table } from '../table.ts';
import type { Comparison, LeftOut, Report, BeforeAfter } from './compare.ts';

/** A report as lines for people. */
export function linesOf(report: Report): string[] {
  const { compared, routes, moves, unknown, jobs, redacted, arms } = report;
  const columns = [...(routes.length > 1 ? routes : []), compared];
  return [
    `${compared.jobs} of ${jobs} jobs compared, then → now`,
    '',
    ...table(['', ...columns.map(({ route }) => route ?? 'all')], rowsOf(columns)),
    '',
    ...(moves.length === 0 ? ['No job moved.'] : ['Moved:', ...moves.map((move) => `  ${move.jobs}  ${move.from} → ${move.to}`)]),
    ...leftOutLines(unknown),
    ...(redacted === 0
      ? []
      : [`${redacted} of the compared jobs hold redacted text, on which classifier and checks may decide otherwise.`]),
    ...armLines(arms),
    'Times are not replayed.',
  ];
}

function armLines(arms: Report['arms']): string[] {
  const counts = Object.entries(arms).map(([arm, jobs]) => `${arm} ${jobs}`);
  if (counts.length === 0) return [];
  return [`Experiments are not replayed: of the compared jobs these arms had answered some (${counts.join(', ')}).`];
}

function rowsOf(columns: Comparison[]): (string | number)[][] {
  const row = (name: string, cell: (column: Comparison) => string | number): (string | number)[] => [name, ...columns.map(cell)];
  const tiers = [...new Set(columns.flatMap((column) => Object.keys(column.tiers)))];
  return [
    row('jobs', ({ jobs }) => jobs),
    row('cost USD', ({ cost_usd: cost }) => arrow(cost, (usd) => usd.toFixed(6))),
    row('change', ({ cost_usd: cost }) => changeOf(cost)),
    row('accepted', ({ share }) => arrow(share.accepted, percent)),
    row('degraded', ({ share }) => arrow(share.degraded, percent)),
    row('refused by policy', ({ share }) => arrow(share.refusal, percent)),
    row('failed', ({ share }) => arrow(share.failed, percent)),
    row('mean score', ({ mean_score: score }) => arrow(score, (value) => value?.toFixed(3) ?? '–')),
    ...tiers.map((tier) => row(`answered by ${tier}`, (column) => arrow(column.tiers[tier] ?? { before: 0, after: 0 }, String))),
    row('escalations', ({ escalations }) => arrow(escalations, String)),
    row('failovers', ({ failovers }) => arrow(failovers, String)),
    row('fallbacks', ({ fallbacks }) => arrow(fallbacks, String)),
    row('moved', ({ moved }) => moved),
    row('status changed', ({ status_changed: changed }) => changed),
    row('answers differ', ({ answers_differ: differ }) => differ),
  ];
}

function arrow<Value>({ before, after }: BeforeAfter<Value>, show: (value: Value) => string): string {
  return `${show(before)} → ${show(after)}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function changeOf({ before, after }: BeforeAfter): string {
  if (before === after) return 'no change';
  if (before === 0) return `+${after.toFixed(6)}`;
  const change = ((after - before) / before) * 100;
  return `${change > 0 ? '+' : ''}${change.toFixed(1)} %`;
}

function leftOutLines({
  no_answer: unanswered,
  asked,
  cut_short: cutShort,
  found_wrong: foundWrong,
  cost_unknown: costUnknown,
  refused,
}: LeftOut): string[] {
  const models = Object.entries(asked).map(([model, jobs]) => `${model} ${jobs}`);
  const codes = Object.entries(refused).map(([code, jobs]) => `${jobs} ${jobs === 1 ? 'is' : 'are'} refused now (${code})`);
  const reasons = [
    ...(unanswered === 0 ? [] : [`${unanswered} asked a model whose answer the book does not hold (${models.join(', ')})`]),
    ...(cutShort === 0 ? [] : [`${cutShort} had been cancelled or had expired`]),
    ...(foundWrong === 0 ? [] : [`${foundWrong} had an answer that was found to be wrong afterwards`]),
    ...(costUnknown === 0 ? [] : [`${costUnknown} with a cost that is not known`]),
    ...codes,
  ];
  return reasons.length === 0
    ? []
    : [
        'Unknown, and in no figure above; they are no random part, so the more there are, the less the figures say:',
        ...reasons.map((reason) => `  ${reason}`),
      ];
}
