import { readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { runChild, wasInterrupted } from './run-child.mjs';

const FORMATTED = ['packages', 'services', 'test', 'scripts', 'vitest.config.ts'];

const STEPS = [
  { name: 'format', tool: 'oxfmt', args: ['--check', ...FORMATTED], whenItFails: 'npm run format' },
  { name: 'lint', tool: 'oxlint', args: ['--deny-warnings'] },
  { name: 'types', tool: 'tsc', args: ['--noEmit'] },
  { name: 'unused', tool: 'knip', args: ['--no-progress'] },
];

/** Runs every check, also after one has failed, and returns the names of those that failed. */
export async function runChecks(root, environment) {
  const failed = [];
  for (const step of STEPS) {
    if (wasInterrupted()) break;
    const code = await runStep(root, environment, step);
    if (code !== 0) failed.push(step.name);
  }
  return failed;
}

async function runStep(root, env, { name, tool, args, whenItFails }) {
  console.log(`\n— ${name}: ${tool} ${args.join(' ')}`);
  const started = performance.now();
  const { code } = await runChild(join(root, 'node_modules', '.bin', tool), args, { cwd: root, env });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const advice = code !== 0 && whenItFails !== undefined ? `; to mend it, type:  ${whenItFails}` : '';
  console.log(`${code === 0 ? '✓' : '✗'} ${name} ${code === 0 ? 'passed' : 'failed'} in ${seconds} s${advice}`);
  return code;
}

/**
 * Runs the tests, after the checks where those are asked for, and returns the exit code. A failed check counts as one failure beside the tests'
 * own, so that the last line never says "0 failed" of a run that failed.
 */
export async function runTests(root, node, environment, args, { checks = false } = {}) {
  const failedChecks = checks ? await runChecks(root, environment) : [];
  // Both may run at once.
  const report = join(root, '.upshift', checks ? 'test-report.json' : 'test-alone-report.json');
  rmSync(report, { force: true });
  const code = wasInterrupted() ? 130 : await runVitest(root, node, environment, report, args);
  printFailedTests(root, report);
  const tests = countTests(report, code);
  if (failedChecks.length > 0) console.log(`\nfailed checks: ${failedChecks.join(', ')}`);
  const failed = tests.failed + failedChecks.length;
  printCount(tests.passed, failed);
  return code !== 0 ? code : Number(failed > 0);
}

/** The last line of every test run: `N passed, N failed`. */
export function printCount(passed, failed) {
  console.log(`${passed} passed, ${failed} failed`);
}

async function runVitest(root, node, env, report, args) {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  console.log(`\n— tests: vitest run ${args.join(' ')}`.trimEnd());
  const { code } = await runChild(node, [vitest, 'run', ...reporters, ...args], { cwd: root, env });
  return code;
}

/** Says again, beside the count, what failed and why: a log of which only the end was kept must still tell it. */
function printFailedTests(root, report) {
  const failedFiles = readReport(report).testResults.filter(({ status }) => status === 'failed');
  if (failedFiles.length > 0) console.log('\nwhat failed:');
  for (const { name, message, assertionResults } of failedFiles) {
    const file = relative(root, name);
    const failed = assertionResults.filter(({ status }) => status === 'failed');
    for (const test of failed) console.log(`✗ ${file} > ${test.fullName}\n${firstLines(test.failureMessages.join('\n'))}`);
    if (failed.length === 0) console.log(`✗ ${file}\n${firstLines(message)}`);
  }
}

function firstLines(text) {
  return text.split('\n').slice(0, 12).join('\n');
}

function countTests(report, code) {
  const { numPassedTests, numFailedTests, testResults } = readReport(report);
  // A file that does not even load has no test in it that could count as failed.
  const brokenFiles = testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  const failed = numFailedTests + brokenFiles.length;
  return { passed: numPassedTests, failed: code === 0 ? failed : Math.max(1, failed) };
}

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return { numPassedTests: 0, numFailedTests: 0, testResults: [] };
  }
}
