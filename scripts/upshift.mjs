#!/usr/bin/env node
// `npx upshift …` in a clone, on any Node ≥ 20.
import { join } from 'node:path';
import { runChild } from './run-child.mjs';
import { root, withToolchain } from './with-toolchain.mjs';

const cli = join(root, 'services', 'cli', 'src', 'main.ts');
process.exitCode = await withToolchain(
  async ({ node, environment }) => (await runChild(node, [cli, ...process.argv.slice(2)], { env: environment })).code,
);
