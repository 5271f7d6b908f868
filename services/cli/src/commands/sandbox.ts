import { existsSync } from 'node:fs';

import { loadConfig } from '@upshift/runtime';

import { refuseNoAddress } from '../api.ts';
import { CommandError, exitCode } from '../exit-code.ts';
import { show } from '../print.ts';

/** What a call of the sandbox can meet, as its own `faults.ts` has it. */
export const faultKinds = [
  'server_error',
  'overloaded',
  'rate_limit',
  'auth',
  'timeout',
  'stalled_body',
  'reset',
  'malformed_json',
  'truncation',
  'refusal',
  'slow',
] as const;

/** A rule of the provider sandbox, as far as the commands need it. */
interface Fault {
  model: string;
  kind: string;
  latency_ms?: number;
}

/** How long a call takes that is `slow`: longer than any answer of the bundled book, and within the timeout of every call. In ms. */
const SLOW_MS = 3000;

/** Makes the sandbox fail all further calls of a model, or of all models of a provider, that the configuration has. */
export async function failInSandbox(sandboxUrl: string, target: string, kind: string, configFile: string): Promise<number> {
  refuseUnknown(target, configFile);
  const fault = { model: modelsOf(target), kind, ...(kind === 'slow' ? { latency_ms: SLOW_MS } : {}) };
  await send(sandboxUrl, 'POST', fault);
  const what = kind === 'slow' ? `take ${SLOW_MS / 1000} s` : `end with ${kind}`;
  // As the same shell takes it: a star alone stands for the files that lie there.
  const line = `npx upshift sandbox --sandbox ${sandboxUrl} heal ${target.includes('*') ? `'${target}'` : target}`;
  return show(false, null, [`All calls of ${fault.model} ${what} now. To mend that:  ${line}`]);
}

/** Takes back what `fault` has done to a model or a provider. */
export async function healInSandbox(sandboxUrl: string, target: string): Promise<number> {
  const faults = await send(sandboxUrl, 'GET');
  const kept = faults.filter((fault) => !(fault.model === modelsOf(target) && holdsForEveryCall(fault)));
  if (kept.length === faults.length) throw new CommandError(`no fault of ${modelsOf(target)} is in force`, exitCode.failed);
  await send(sandboxUrl, 'PUT', kept);
  return show(false, null, [`Calls of ${modelsOf(target)} are answered again.`]);
}

/** As those of `fault` do; those of a file name prompts, shares or times. */
function holdsForEveryCall({ model: _model, kind: _kind, latency_ms: _latency, ...narrowed }: Fault): boolean {
  return Object.keys(narrowed).length === 0;
}

/** The sandbox itself knows no names: a misspelt one would meet no call, in silence. Where there is no configuration here, it may run elsewhere. */
function refuseUnknown(target: string, configFile: string): void {
  if (target === '*' || !existsSync(configFile)) return;
  const { providers, models } = loadConfig(configFile);
  const name = target.replace(/\/\*$/, '');
  const [what, known] = name.includes('/') ? ['model', Object.keys(models)] : ['provider', Object.keys(providers)];
  if (known.includes(name)) return;
  const message = `<target> is ${target}: ${configFile} has no such ${what}; it has ${known.join(', ')}`;
  throw new CommandError(message, exitCode.refused);
}

function modelsOf(target: string): string {
  return target.includes('/') || target === '*' ? target : `${target}/*`;
}

async function send(sandboxUrl: string, method: string, body?: unknown): Promise<Fault[]> {
  refuseNoAddress('--sandbox', sandboxUrl);
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
  const response = await fetch(new URL('/_sandbox/faults', sandboxUrl), init).catch(() => {
    throw new CommandError(
      `no provider sandbox answers at ${sandboxUrl}; npm start prints its address (--sandbox <url>), unless a provider's key is set`,
      exitCode.unavailable,
    );
  });
  const answer = (await response.json().catch(() => null)) as Fault[] | { error?: { message?: string } } | null;
  if (Array.isArray(answer)) return answer;
  const message = answer?.error?.message;
  throw new CommandError(
    message ?? `what answers at ${sandboxUrl} is no provider sandbox; npm start prints its address (--sandbox <url>)`,
    exitCode.refused,
  );
}
