import { parser } from '@prometheus-io/lezer-promql';
import { createMetrics, metricTable } from '@upshift/runtime';

/** What Prometheus itself adds to every series, and `up`. */
const OF_PROMETHEUS = ['job', 'instance'];
const OF_ALL_OURS = ['service', ...OF_PROMETHEUS];

/** The labels of every series that a scrape can give, by its name. */
const series = new Map<string, readonly string[]>([
  ['up', OF_PROMETHEUS],
  ...createMetrics('test')
    .registry.getMetricsAsArray()
    .map(({ name }): [string, string[]] => [name, OF_ALL_OURS]),
  ...Object.values(metricTable).flatMap(({ name, type, labelNames }): [string, string[]][] => {
    const labels = [...labelNames, ...OF_ALL_OURS];
    if (type !== 'histogram') return [[name, labels]];
    return [
      [`${name}_bucket`, [...labels, 'le']],
      [`${name}_sum`, labels],
      [`${name}_count`, labels],
    ];
  }),
]);
for (const { name, type } of Object.values(metricTable)) if (type === 'histogram') series.delete(name);

/** What is wrong with a query: what does not parse, series that nobody exports, labels that they do not have. */
export function faultsOf(query: string): string[] {
  const { names, labels, errors } = partsOf(query);
  const unknown = names.filter((name) => !series.has(name));
  const known = new Set(names.flatMap((name) => series.get(name) ?? []));
  return [
    ...errors.map((at) => `does not parse at ${at}`),
    ...unknown.map((name) => `nobody exports ${name}`),
    ...labels.filter((label) => !known.has(label)).map((label) => `${names.join(', ')} has no label ${label}`),
  ];
}

/** The names of series and labels in a query, and where it does not parse. */
export function partsOf(query: string): { names: string[]; labels: string[]; errors: string[] } {
  const text = query.replaceAll('$__rate_interval', '5m');
  const parts = { names: [] as string[], labels: [] as string[], errors: [] as string[] };
  parser.parse(text).iterate({
    enter({ name, from, to, type }) {
      if (type.isError) parts.errors.push(text.slice(from, from + 20));
      if (name === 'Identifier') parts.names.push(text.slice(from, to));
      if (name === 'LabelName') parts.labels.push(text.slice(from, to));
    },
  });
  return parts;
}
