import type { Assignment, JobExperiments, JobRequest, UpshiftConfig } from '@upshift/contracts';
import { isEmbedding } from '@upshift/contracts';
import { chooseArms, configOfArms, reasonsToEnd } from '@upshift/routing';
import { configVersionOf } from '@upshift/runtime';

import { globalKeys } from '../names.ts';
import type { Connection } from '../pipeline.ts';
import { Reread } from '../reread.ts';
import type { StoredActive } from './store.ts';

/** How long a process goes by what it has read of the experiments, in ms: so late it hears of a change. */
const READ_EVERY_MS = 500;
const activeExperiments = new Reread(READ_EVERY_MS, readActive);

/** Whether any experiment gives arms to new jobs. */
export async function experimentsRun(connection: Connection): Promise<boolean> {
  return (await activeExperiments.get(connection)).length > 0;
}

/** The part that a job gets in experiments, and the configuration under which it then runs. */
export interface Arms {
  experiments: JobExperiments;
  configVersion: string;
  /** Without the arms that are still tried: what only such an arm could do is not accepted, be the job in it or not. */
  baseConfig: UpshiftConfig;
}

/** What a new job gets in the experiments of its route; null where it gets none. Pinned jobs and embeddings take part in none. */
export async function armsOf(connection: Connection, request: JobRequest, id: string): Promise<Arms | null> {
  if (request.model !== null || isEmbedding(request.input)) return null;
  const active = await activeExperiments.get(connection);
  const { arms, holdFor } = chooseArms(active, request.route, { id, metadata: request.metadata });
  if (arms.length === 0) return null;
  const configVersion = await versionOf(connection, configOfArms(connection.config, active, arms));
  const baseConfig = await baseConfigOf(connection, arms);
  const experiments = {
    arms,
    baseConfigVersion: await versionOf(connection, baseConfig),
    holdFor,
    held: null,
    discardedAttempts: 0,
    shadowOf: null,
  };
  return { experiments, configVersion, baseConfig };
}

/** The configuration of a job with these arms without those that are still tried: promoted ones stay in force. */
export async function baseConfigOf(connection: Connection, arms: Assignment[]): Promise<UpshiftConfig> {
  const promoted = (await activeExperiments.get(connection)).filter(({ status }) => status === 'promoted');
  return configOfArms(connection.config, promoted, arms);
}

async function readActive({ redis, config }: Connection): Promise<StoredActive[]> {
  const stored = (await redis.hvals(globalKeys.activeExperiments)).map((text) => JSON.parse(text) as StoredActive);
  // Not where this process has another configuration already: the steward will record that as the end.
  return stored.filter((active) => reasonsToEnd(active, config).length === 0);
}

/** Versions of configurations that this process has stored, so that an arm costs a job no more than any other. */
const versions = new WeakMap<UpshiftConfig, Map<string, Promise<string>>>();

/** Makes the configuration of an arm known to all processes before a job names it. */
export function versionOf(connection: Connection, config: UpshiftConfig): Promise<string> {
  if (config === connection.config) return Promise.resolve(connection.configVersion);
  const ofBase = versions.get(connection.config) ?? new Map<string, Promise<string>>();
  versions.set(connection.config, ofBase);
  const version = configVersionOf(config);
  const stored = ofBase.get(version);
  if (stored) return stored;
  const storing = connection.redis.set(globalKeys.config(version), JSON.stringify(config)).then(() => version);
  ofBase.set(version, storing);
  storing.catch(() => ofBase.delete(version));
  return storing;
}
