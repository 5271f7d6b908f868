import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** npm starts us through a shell and, told to stop, ends only that shell; this is how soon we notice. In ms. */
const PARENT_POLL_MS = 250;
/** How much of a captured stream is kept for an error message, in characters. */
const TAIL_LENGTH = 4_000;

let interrupted = false;

/** True once this process was asked to stop: whoever runs several children must not start the next one. */
export function wasInterrupted() {
  return interrupted;
}

/**
 * Runs one child to its end and passes SIGINT, SIGTERM and SIGHUP on to it, each once.
 * Returns the exit code as a shell would (128 + signal number after a signal) and the end of what was captured.
 * `capture: true` copies the child's stdout and stderr to this process's stderr and keeps their tail; otherwise stdio is inherited.
 * Throws what `spawn` reports when the program cannot be started.
 */
export async function runChild(program, args, { cwd, env, capture = false } = {}) {
  const child = spawn(program, args, { cwd, env, stdio: capture ? ['ignore', 'pipe', 'pipe'] : 'inherit' });
  const tail = capture ? keepTail(child) : () => '';
  const stopForwarding = forwardSignals(child);
  try {
    const code = await exitCode(child);
    return { code, output: tail() };
  } finally {
    stopForwarding();
  }
}

function exitCode(child) {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}

function keepTail(child) {
  let tail = '';
  const keep = (chunk) => {
    process.stderr.write(chunk);
    tail = (tail + chunk.toString()).slice(-TAIL_LENGTH);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  return () => tail;
}

function forwardSignals(child) {
  // Ctrl-C and a closed terminal reach the whole foreground process group, so the child already has the signal;
  // a second one would read as "hurry up". Without a terminal only this process got it.
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  const sent = new Set(terminal === true ? ['SIGINT', 'SIGHUP'] : []);
  const forward = (signal) => {
    interrupted = true;
    if (!sent.has(signal)) child.kill(signal);
    sent.add(signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, forward);
  // Where a signal has told us already, a second one would read as "hurry up".
  const stopWatching = whenParentIsGone(() => interrupted || forward('SIGTERM'));
  return () => {
    stopWatching();
    for (const signal of signals) process.removeListener(signal, forward);
  };
}

/** Only under npm: started from a shell directly, outliving that shell is the reader's good right (`setsid`, `disown`). */
function whenParentIsGone(act) {
  if (process.env.npm_lifecycle_event === undefined) return () => undefined;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    act();
  }, PARENT_POLL_MS);
  return () => clearInterval(timer);
}
