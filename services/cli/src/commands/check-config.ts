import { ConfigError, configVersionOf } from '@upshift/runtime';

import { CommandError, exitCode } from '../exit-code.ts';
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
    process.stdout.write(json ? `${JSON.stringify({ ok: true, ...summary })}\n` : `${lines.join('\n')}\n`);
    return exitCode.ok;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (!json) throw new CommandError(error.message, exitCode.failed);
    process.stdout.write(`${JSON.stringify({ ok: false, file, reasons: error.reasons })}\n`);
    return exitCode.failed;
  }
}
