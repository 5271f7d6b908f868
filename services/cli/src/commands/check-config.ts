import { ConfigError, configVersionOf } from '@upshift/runtime';

import { CommandError, exitCode } from '../exit-code.ts';
import { print, show } from '../print.ts';
import { usableConfig } from '../usable-config.ts';

/** Says what a configuration holds, or all that is wrong with it. */
export function checkConfig(file: string, json: boolean): number {
  try {
    const config = usableConfig(file);
    const { tiers, models, routes } = config;
    const summary = {
      file,
      version: configVersionOf(config),
      tiers: tiers.map(({ name }) => name),
      models: Object.keys(models),
      routes: Object.keys(routes),
    };
    const lines = Object.entries(summary).map(([name, value]) => `${name.padEnd(8)} ${[value].flat().join(', ')}`);
    return show(json, { ok: true, ...summary }, lines);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (!json) throw new CommandError(error.message, exitCode.failed);
    print(JSON.stringify({ ok: false, file, reasons: error.reasons }));
    return exitCode.failed;
  }
}
