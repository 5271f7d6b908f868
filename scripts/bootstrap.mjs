// Runs on Node 20 with nothing installed: it brings Node 24, pnpm and the dependencies, then runs the command with them.
import { join } from 'node:path';
import { printCount, runChecks, runTests } from './checks.mjs';
import { runChild } from './run-child.mjs';
import { root, say, withToolchain } from './with-toolchain.mjs';

const [command, ...args] = process.argv.slice(2);

/** Programs of the project, by the command that runs them: the file, and what comes before the arguments that are given. */
const programs = {
  start: ['services/cli/src/main.ts', 'up'],
  replay: ['test/replay/main.ts'],
  bench: ['test/bench/main.ts'],
  eval: ['services/cli/src/main.ts', 'eval'],
  'eval:experiments': ['test/eval-experiments/main.ts'],
  'docs:generate': ['scripts/generate-docs.ts'],
  'test:docker': ['test/docker/main.ts'],
};

const commands = {
  ...Object.fromEntries(Object.entries(programs).map(([name, program]) => [name, (toolchain) => run(toolchain, ...program)])),
  test: ({ node, environment }) => runTests(root, node, environment, args, { checks: true }),
  'test:chaos': ({ node, environment }) =>
    runTests(root, node, { ...environment, UPSHIFT_CHAOS: 'whole' }, ['--project', 'chaos', ...args]),
  'test:cluster': ({ node, environment }) =>
    runTests(root, node, { ...environment, UPSHIFT_TEST_CLUSTER: 'true' }, ['--project', 'cluster', ...args]),
  check: async ({ environment }) => ((await runChecks(root, environment)).length === 0 ? 0 : 1),
};

process.exitCode = await main();

async function main() {
  if (!Object.hasOwn(commands, command ?? '')) {
    const known = Object.keys(commands).map((name) => (['start', 'test'].includes(name) ? `npm ${name}` : `npm run ${name}`));
    say(`no such command: ${command ?? '(none)'}. Type one of:  ${known.join(',  ')}`);
    return 2;
  }
  return withToolchain(commands[command], () => {
    if (command === 'test') printCount(0, 1);
  });
}

async function run({ node, environment }, file, ...before) {
  return (await runChild(node, [join(root, file), ...before, ...args], { env: environment })).code;
}
