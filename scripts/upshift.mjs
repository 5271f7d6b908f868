#!/usr/bin/env node
// `npx upshift …` in a clone, on any Node ≥ 20: brings Node 24 and the dependencies where they are missing, then runs the command
// line with them. Progress goes to stderr, because stdout belongs to the command.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runChild } from './run-child.mjs';
import { ToolchainError, prepareToolchain } from './toolchain.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const say = (text) => process.stderr.write(`${text.replaceAll(/^/gm, 'upshift: ')}\n`);

try {
  const { node, environment } = await prepareToolchain(root, say);
  const cli = join(root, 'services', 'cli', 'src', 'main.ts');
  process.exitCode = (await runChild(node, [cli, ...process.argv.slice(2)], { env: environment })).code;
} catch (error) {
  if (!(error instanceof ToolchainError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
