import type { ExperimentView, ModelHealthView } from '@upshift/contracts';

import type { Api } from '../api.ts';
import { show } from '../print.ts';

export interface AuditOptions {
  route: string;
  /** The part of the jobs that is answered once more, in (0, 1]. */
  share: number;
  budgetUsd: number;
  /** By what a judge compares; without it final answers are. */
  rubric?: string;
  json: boolean;
}

/** Complexities below all that occur, so that every job starts at the top. */
const LOWEST = 0.0001;

/** Has a part of the jobs answered once more at the top tier, after they have ended: a shadow experiment like any other. */
export async function audit(api: Api, { route, share, budgetUsd, rubric, json }: AuditOptions): Promise<number> {
  const { data } = await api.get<ModelHealthView>('/v1/health/models');
  const tiers = new Set(data.map(({ tier }) => tier)).size;
  const thresholds = Array.from({ length: tiers - 1 }, (_, index) => LOWEST * (index + 1));
  const document = {
    name: `audit-${new Date().toISOString().slice(0, 19).replaceAll(/\D/g, '')}`,
    kind: 'shadow',
    route,
    share,
    budget_usd: budgetUsd,
    below_top: true,
    ...(rubric === undefined ? {} : { judge: { rubric } }),
    arms: [
      {
        name: 'top',
        overrides: { strategy: 'classifier', classifier: 'rules', thresholds: { classifier: thresholds }, checks: [] },
      },
    ],
  };
  const made = await api.post<ExperimentView>('/v1/experiments', document);
  const text = `${made.name}: ${Number((100 * share).toPrecision(12))} % of the jobs of route ${route} that a lower tier answers are answered once more at the top tier, for at most ${budgetUsd} USD`;
  return show(json, made, [text]);
}
