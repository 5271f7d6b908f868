// Writes what the documentation says of the configuration, from the schemas that validate it:
// docs/config.schema.json, the tables between the markers of docs/configuration.md, and .env.example;
// the table of docs/observability.md, from the metrics; and the configuration's copy for Kubernetes, since kustomize reads no file
// above its own.
// `node scripts/generate-docs.ts --check` writes nothing and ends with 1 when a file is stale.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { upshiftConfig } from '../packages/contracts/src/index.ts';
import { environmentVariables, loadConfig, metricTable } from '../packages/runtime/src/index.ts';

const root = join(import.meta.dirname, '..');

/** The part of JSON Schema that zod writes and the tables show. */
interface SchemaNode {
  type?: string;
  description?: string;
  default?: unknown;
  const?: unknown;
  enum?: unknown[];
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  properties?: Record<string, SchemaNode>;
  required?: string[];
  additionalProperties?: SchemaNode | boolean;
  items?: SchemaNode;
  anyOf?: SchemaNode[];
}

/** What the keys of each map are. */
const mapKeys: Record<string, string> = {
  providers: '<provider>',
  models: '<provider/model>',
  rules: '<task>',
  routes: '<route>',
};

/** Meanings of keys whose schema has no `.describe`. A key that has neither, and one here that is not needed, are errors. */
const meanings: Record<string, string> = {
  'providers.<provider>.base_url': 'The base URL, where no variable gives one.',
  'models.<provider/model>.tier': 'The tier whose workers call it: one of `tiers`.',
  'models.<provider/model>.capabilities':
    'What it can do. Jobs that need more are not given to it. `prefill`, of Anthropic’s models only: goes on with an answer where the messages end with one.',
  'models.<provider/model>.max_output_tokens': 'The longest answer, in tokens; 0 for embedding models.',
  'models.<provider/model>.prices[].input': 'USD per million tokens of input.',
  'models.<provider/model>.prices[].output': 'USD per million tokens of output, reasoning included.',
  'models.<provider/model>.prices[].cached_input': 'USD per million tokens read from the provider’s cache. Absent: as `input`.',
  'models.<provider/model>.prices[].cache_write': 'USD per million tokens written to the provider’s cache. Absent: as `input`.',
  'models.<provider/model>.prices[].long_input.above_tokens': 'Tokens of input above which these prices hold.',
  'models.<provider/model>.prices[].long_input.input': 'USD per million tokens of input.',
  'models.<provider/model>.prices[].long_input.output': 'USD per million tokens of output.',
  'models.<provider/model>.prices[].long_input.cache_write':
    'USD per million tokens written to the cache. Absent: as the long `input`.',
  'models.<provider/model>.prices[].long_input.cached_input': 'USD per million cached tokens. Absent: as the long `input`.',
  'models.<provider/model>.call_timeout_s': 'Longest duration of a call, in seconds.',
  'tiers[].name': 'Its name; `fallback` is taken. Tiers stand in order, cheapest first.',
  'classifier.thresholds': 'Complexities between two neighbouring tiers: one fewer than there are tiers, rising.',
  'rules.<task>.tier': 'The tier where jobs of this task start.',
  'routes.<route>.strategy': '`rules` and `classifier` choose a tier once; `cascade` also escalates.',
  'routes.<route>.checks': 'Checks that every answer of this route gets, before the job’s own: see [api.md](api.md#checks).',
  'routes.<route>.max_escalations': 'Escalations of one job.',
  'routes.<route>.deadline_s': 'Seconds after acceptance at which a job ends.',
  'judge.models': 'Models that judge, in this order: the first that can be called.',
  'intake.body_limit_bytes': 'Largest request body, in bytes.',
  'retention.idempotency_hours': 'How long an `Idempotency-Key` is remembered; at most `job_hours`.',
};

interface Row {
  key: string;
  type: string;
  fallback: string;
  meaning: string;
}

const schema = upshiftConfig.toJSONSchema({ io: 'input' }) as SchemaNode;

function configurationTable(): string {
  const unused = new Set(Object.keys(meanings));
  const rows = keysOf(schema, '', unused);
  if (unused.size > 0) throw new Error(`meanings of keys that have one already or do not exist: ${[...unused].join(', ')}`);
  return table(['key', 'type', 'default', 'meaning'], rows);
}

/** The leaves below a node, in the order of the schema. Checks are shown in the API's page instead. */
function keysOf(node: SchemaNode, path: string, unused: Set<string>): Row[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const required = node.required?.includes(name) ?? false;
    const key = path === '' ? name : `${path}.${name}`;
    const below = childrenOf(child, key);
    return below === null ? [rowOf(key, child, required, unused)] : keysOf(below.node, below.path, unused);
  });
}

function childrenOf(node: SchemaNode, key: string): { node: SchemaNode; path: string } | null {
  if (node.properties) return { node, path: key };
  // A map to plain values is a leaf.
  if (typeof node.additionalProperties === 'object' && node.additionalProperties.properties)
    return { node: node.additionalProperties, path: `${key}.${mapKeys[key]}` };
  return node.items?.properties ? { node: node.items, path: `${key}[]` } : null;
}

function rowOf(key: string, node: SchemaNode, required: boolean, unused: Set<string>): Row {
  const own = node.description;
  if (own === undefined) unused.delete(key);
  const meaning = own ?? meanings[key];
  if (meaning === undefined) throw new Error(`${key}: no .describe in its schema, and no meaning in scripts/generate-docs.ts`);
  return { key, type: typeOf(node), fallback: required ? 'needed' : defaultOf(node.default), meaning };
}

function typeOf(node: SchemaNode): string {
  if (node.anyOf) return node.anyOf.map(typeOf).join(' or ');
  if (node.const !== undefined) return code(node.const);
  if (node.enum) return node.enum.map(code).join(', ');
  if (typeof node.additionalProperties === 'object') return `map to ${typeOf(node.additionalProperties)}`;
  if (node.type === 'array') return `list of ${listed(node.items)}`;
  return [node.format === 'uri' ? 'URL' : (node.format ?? node.type ?? 'any'), rangeOf(node)].filter(Boolean).join(' ');
}

function listed(node: SchemaNode | undefined): string {
  if (node?.type === 'string' && !node.enum) return node.pattern === undefined ? 'texts' : 'names';
  return node?.type === undefined ? 'checks' : typeOf(node);
}

function rangeOf({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: SchemaNode): string {
  const parts = [
    minimum === undefined ? '' : `≥ ${minimum}`,
    exclusiveMinimum === undefined ? '' : `> ${exclusiveMinimum}`,
    maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? '' : `≤ ${maximum}`,
    exclusiveMaximum === undefined ? '' : `< ${exclusiveMaximum}`,
  ];
  return parts.filter(Boolean).join(', ');
}

function defaultOf(value: unknown): string {
  return value === undefined ? '–' : code(value);
}

function code(value: unknown): string {
  return `\`${plain(value)}\``;
}

function plain(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

interface Variable {
  name: string;
  fallback: unknown;
  meaning: string;
}

function ownVariables(): Variable[] {
  return Object.entries(environmentVariables.shape).map(([name, field]) => {
    const absent = field.safeParse(undefined);
    return { name, fallback: absent.success ? absent.data : undefined, meaning: field.description ?? '' };
  });
}

/** The variables that the shipped configuration names, with the provider that each belongs to. */
function providerVariables(): Variable[] {
  const { providers } = loadConfig(join(root, 'upshift.config.yaml'));
  return Object.entries(providers).flatMap(([id, { api_key_env: key, base_url_env: url }]) => [
    ...(key === undefined
      ? []
      : [{ name: key, fallback: undefined, meaning: `The key of provider \`${id}\`. Unset: the provider is off.` }]),
    ...(url === undefined
      ? []
      : [{ name: url, fallback: undefined, meaning: `The base URL of provider \`${id}\`. Unset: the provider is off.` }]),
  ]);
}

function variablesTable(variables: Variable[]): string {
  const rows = variables.map(({ name, fallback, meaning }) => ({ name, fallback: defaultOf(fallback), meaning }));
  return table(['variable', 'default', 'meaning'], rows);
}

function table(head: string[], rows: object[]): string {
  const cells = rows.map((row) =>
    Object.values(row).map((cell, column) => (column === 0 ? code(cell) : String(cell).replaceAll('|', '\\|'))),
  );
  return [head, head.map(() => '---'), ...cells].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** What docker-compose.yml reads beside: it sets the addresses and ports of the services itself. */
const composeVariables: Variable[] = [
  { name: 'UPSHIFT_IMAGE', fallback: 'upshift:local', meaning: 'The image of all services.' },
  { name: 'UPSHIFT_PORT', fallback: 7700, meaning: 'The port of the job API on this machine; 0 takes any free one.' },
  { name: 'UPSHIFT_CONSOLE_PORT', fallback: 7701, meaning: 'The port of the console on this machine; 0 takes any free one.' },
  {
    name: 'STOP_GRACE_PERIOD',
    fallback: '30s',
    meaning: 'After it Docker kills what it has told to stop: SHUTDOWN_GRACE_S + 10.',
  },
  { name: 'REDIS_IMAGE', fallback: 'redis:7-alpine', meaning: 'The image of Redis, 7 or newer.' },
  { name: 'REDIS_MAXMEMORY', fallback: '1gb', meaning: 'What Redis may hold; above it, writes fail and jobs are refused.' },
  { name: 'REDIS_MEMORY_LIMIT', fallback: '2g', meaning: 'What its container may use: twice REDIS_MAXMEMORY.' },
];

/** Every variable, commented out: an empty one counts as unset. */
function environmentExample(): string {
  return [
    '# Every environment variable of Upshift. Written by scripts/generate-docs.ts. Copy it to .env and take the # from the lines that you',
    '# need. docker compose reads .env by itself; elsewhere type:  set -a; . ./.env; set +a',
    ...providerVariables().flatMap(exampleLines),
    ...ownVariables().flatMap(exampleLines),
    '',
    '# --- Only for docker compose, which sets REDIS_URL, UPSHIFT_SANDBOX_URL, HOST, PORT and TIER itself;',
    '# UPSHIFT_CONSUME_CELLS and UPSHIFT_DISPOSABLE_REDIS are not for it',
    ...composeVariables.flatMap(exampleLines),
    '',
  ].join('\n');
}

function exampleLines({ name, fallback, meaning }: Variable): string[] {
  return ['', `# ${meaning.replaceAll('`', '')}`, `# ${name}=${fallback === undefined ? '' : plain(fallback)}`];
}

/** Puts generated text between the two markers of a name. */
function between(text: string, name: string, generated: string): string {
  const [start, end] = [`<!-- generated: ${name} -->`, `<!-- end of generated: ${name} -->`];
  const from = text.indexOf(start);
  const to = text.indexOf(end);
  if (from === -1 || to < from) throw new Error(`there are no markers named ${name}`);
  return `${text.slice(0, from + start.length)}\n${generated}\n${text.slice(to)}`;
}

function configurationPage(): string {
  const page = readFileSync(join(root, 'docs/configuration.md'), 'utf8');
  const keyed = between(page, 'keys', configurationTable());
  return between(
    between(keyed, 'variables', variablesTable(ownVariables())),
    'provider variables',
    variablesTable(providerVariables()),
  );
}

function observabilityPage(): string {
  const rows = Object.values(metricTable).map(({ name, type, labelNames, help }) => {
    const labels = labelNames.length === 0 ? '–' : labelNames.map(code).join(', ');
    return { name, type, labels, help };
  });
  return between(
    readFileSync(join(root, 'docs/observability.md'), 'utf8'),
    'metrics',
    table(['metric', 'type', 'labels', 'meaning'], rows),
  );
}

function kubernetesConfig(): string {
  const config = readFileSync(join(root, 'upshift.config.yaml'), 'utf8').replace('$schema=./docs/', '$schema=../../../docs/');
  return `# Written by scripts/generate-docs.ts from upshift.config.yaml: change that one.\n${config}`;
}

const files: Record<string, string> = {
  'docs/config.schema.json': `${JSON.stringify(schema, null, 2)}\n`,
  'docs/configuration.md': configurationPage(),
  'docs/observability.md': observabilityPage(),
  '.env.example': environmentExample(),
  'deploy/kubernetes/base/upshift.config.yaml': kubernetesConfig(),
};

const stale = Object.entries(files).filter(([file, text]) => readOrEmpty(file) !== text);
if (process.argv.includes('--check')) {
  for (const [file] of stale) console.error(`${file} is stale; type:  npm run docs:generate`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  for (const [file, text] of stale) writeFileSync(join(root, file), text);
  console.log(stale.length === 0 ? 'nothing was stale' : `wrote ${stale.map(([file]) => file).join(', ')}`);
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(join(root, file), 'utf8');
  } catch {
    return '';
  }
}
