import type { UpshiftConfig } from '@upshift/contracts';
import { badConfig } from '@upshift/routing';
import { ConfigError, loadConfig } from '@upshift/runtime';

/** Reads a configuration that jobs can be accepted under, as intake does when it starts. Throws a `ConfigError` with all that is wrong with it. */
export function usableConfig(file: string): UpshiftConfig {
  const config = loadConfig(file);
  const problems = badConfig(config);
  if (problems.length > 0) throw new ConfigError(file, problems);
  return config;
}
