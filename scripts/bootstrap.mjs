// Runs on Node 20 with nothing installed: it brings Node 24, pnpm and the dependencies, then runs the command with them.
import { join } from 'node:path';
import { printCount, runChecks, runTests, runTestsAlone } from './checks.mjs';
import { runChild } from './run-child.mjs';
import { root, say, withToolchain } from './with-toolchain.mjs';

const [command, ...args] = process.argv.slice(2);

const commands = {
  async start({ node, environment }) {
    const cli = join(root, 'services', 'cli', 'src', 'main.ts');
    return (await runChild(node, [cli, 'up', ...args], { env: environment })).code;
  },
  async replay({ node, environment }) {
    return (await runChild(node, [join(root, 'test', 'replay', 'main.ts'), ...args], { env: environment })).code;
  },
  async bench({ node, environment }) {
    return (await runChild(node, [join(root, 'test', 'bench', 'main.ts'), ...args], { env: environment })).code;
  },
  async eval({ node, environment }) {
    const cli = join(root, 'services', 'cli', 'src', 'main.ts');
    return (await runChild(node, [cli, 'eval', ...args], { env: environment })).code;
  },
  async 'eval:experiments'({ node, environment }) {
    return (await runChild(node, [join(root, 'test', 'eval-experiments', 'main.ts'), ...args], { env: environment })).code;
  },
  async 'docs:generate'({ node, environment }) {
    return (await runChild(node, [join(root, 'scripts', 'generate-docs.ts'), ...args], { env: environment })).code;
  },
  async 'test:docker'({ node, environment }) {
    return (await runChild(node, [join(root, 'test', 'docker', 'main.ts'), ...args], { env: environment })).code;
  },
  test({ node, environment }) {
    return runTests(root, node, environment, args);
  },
  async 'test:chaos'({ node, environment }) {
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const env = { ...environment, UPSHIFT_CHAOS: 'whole' };
    return (await runChild(node, [vitest, 'run', '--project', 'chaos', ...args], { cwd: root, env })).code;
  },
  'test:cluster'({ node, environment }) {
    return runTestsAlone(root, node, { ...environment, UPSHIFT_TEST_CLUSTER: 'true' }, ['--project', 'cluster', ...args]);
  },
  async check({ environment }) {
    return (await runChecks(root, environment)).length === 0 ? 0 : 1;
  },
};

process.exitCode = await main();

async function main() {
  if (!Object.hasOwn(commands, command ?? '')) {
    say(
      `no such command: ${command ?? '(none)'}. Type one of:  npm start,  npm test,  npm run check,  npm run test:docker,  npm run test:chaos,  npm run test:cluster,  npm run replay,  npm run bench,  npm run eval,  npm run eval:experiments,  npm run docs:generate`,
    );
    return 2;
  }
  return withToolchain(commands[command], () => {
    if (command === 'test') printCount(0, 1);
  });
}
