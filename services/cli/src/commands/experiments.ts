import type { ExperimentSummary, ExperimentView } from '@upshift/contracts';
import { parse } from 'yaml';

import { pathTo } from '../api.ts';
import type { Api } from '../api.ts';
import { CommandError, exitCode } from '../exit-code.ts';
import { show } from '../print.ts';
import { readText } from '../read-text.ts';
import { table } from '../table.ts';
import { experimentLines, sharesText } from './experiment-lines.ts';

const at = (name: string, rest = ''): string => `${pathTo('experiments', name)}${rest}`;

export async function listExperiments(api: Api, json: boolean): Promise<number> {
  const { data } = await api.get<{ data: ExperimentSummary[] }>('/v1/experiments');
  const rows = data.map(({ name, kind, route, status, shares, reason }) => [
    name,
    kind,
    route,
    status,
    sharesText(shares),
    reason,
  ]);
  return show(json, data, table(['name', 'kind', 'route', 'status', 'shares', 'why'], rows));
}

/** @param file YAML or JSON */
export async function createExperiment(api: Api, file: string, json: boolean): Promise<number> {
  const made = await api.post<ExperimentView>('/v1/experiments', documentOf(file));
  return show(json, made, [`${made.name} runs on route ${made.route}: ${sharesText(made.shares)}`]);
}

export async function showExperiment(api: Api, name: string, json: boolean): Promise<number> {
  const experiment = await api.get<ExperimentView>(at(name));
  return show(json, experiment, experimentLines(experiment));
}

export async function commandExperiment(
  api: Api,
  name: string,
  command: 'pause' | 'resume' | 'promote' | 'abort',
  arm: string | undefined,
  json: boolean,
): Promise<number> {
  const changed = await api.post<ExperimentView>(at(name, `/${command}`), arm === undefined ? {} : { arm });
  return show(json, changed, [`${name} is ${changed.status}: ${changed.reason}`]);
}

function documentOf(file: string): unknown {
  try {
    return parse(readText(file)) as unknown;
  } catch (error) {
    throw new CommandError(`${file}: ${error instanceof Error ? error.message : String(error)}`, exitCode.refused);
  }
}
