import type { SavingsRow, SavingsView } from '@upshift/contracts';

import type { Api } from '../api.ts';
import { show } from '../print.ts';
import { table } from '../table.ts';

/** What was paid, and what the same jobs would have cost otherwise, by route and in total. */
export async function savings(api: Api, { days, json }: { days: number; json: boolean }): Promise<number> {
  const view = await api.get<SavingsView>(`/v1/savings?days=${days}`);
  return show(json, view, [savingsText(view)]);
}

/** For people. */
export function savingsText({ from, to, total, routes }: SavingsView): string {
  const head = [
    'route',
    'jobs',
    'accepted',
    'paid',
    'of it scoring',
    'of it lost',
    'perfect',
    'all economy',
    'best single',
    'all premium',
    'saved',
  ];
  const rows = [...Object.entries(routes), ['total', total] as const].map(([name, row]) => [name, ...cellsOf(row)]);
  return [
    `${from} to ${to}, USD`,
    '',
    ...table(head, rows),
    '',
    ...(total.jobs === 0 ? ['No job has ended in these days.'] : standIns(total)),
    ...(total.audits_usd > 0 ? [`beside it ${money(total.audits_usd)} USD for shadows and audits`] : []),
  ].join('\n');
}

/** Which models the columns are about. */
function standIns({ all_economy: economy, best_single: single, all_premium: premium }: SavingsRow): string[] {
  return [
    `all economy: ${economy?.model ?? NOT_COUNTED}`,
    `best single: ${single?.model ?? 'no model is known to pass as often'}`,
    `all premium: ${premium?.model ?? NOT_COUNTED}`,
  ];
}

/** As where the configuration has had the model, or its price, only since. */
const NOT_COUNTED = 'its cost is not known of all these answers';

function cellsOf(row: SavingsRow): (string | number)[] {
  const share = row.all_premium && row.all_premium.cost_usd > 0 ? (row.saved_usd ?? 0) / row.all_premium.cost_usd : null;
  return [
    row.jobs,
    row.good,
    money(row.cost_usd),
    money(row.scoring_usd),
    money(row.lost_usd),
    money(row.perfect_usd),
    money(row.all_economy?.cost_usd ?? null),
    money(row.best_single?.cost_usd ?? null),
    money(row.all_premium?.cost_usd ?? null),
    share === null ? '–' : `${(100 * share).toFixed(1)} %`,
  ];
}

function money(usd: number | null): string {
  return usd === null ? '–' : usd.toFixed(6);
}
