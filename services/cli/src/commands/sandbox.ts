import { refuseNoAddress } from '../api.ts';
import { CommandError, exitCode } from '../exit-code.ts';

/** A rule of the provider sandbox, as far as the commands need it. */
interface Fault {
  model: string;
  kind: string;
}

/** Makes the sandbox fail all further calls of a model, or of all models of a provider. */
export async function failInSandbox(sandboxUrl: string, target: string, kind: string): Promise<number> {
  await send(sandboxUrl, 'POST', { model: modelsOf(target), kind });
  process.stdout.write(
    `All calls of ${modelsOf(target)} end with ${kind} now. To mend that: npx upshift sandbox heal ${target}\n`,
  );
  return exitCode.ok;
}

/** Takes back what `fault` has done to a model or a provider. */
export async function healInSandbox(sandboxUrl: string, target: string): Promise<number> {
  const faults = await send(sandboxUrl, 'GET');
  const kept = faults.filter((fault) => !(fault.model === modelsOf(target) && Object.keys(fault).length === 2));
  if (kept.length === faults.length) throw new CommandError(`no fault of ${modelsOf(target)} is in force`, exitCode.failed);
  await send(sandboxUrl, 'PUT', kept);
  process.stdout.write(`Calls of ${modelsOf(target)} are answered again.\n`);
  return exitCode.ok;
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
  const answer = (await response.json()) as Fault[] | { error: { message: string } };
  if ('error' in answer) throw new CommandError(answer.error.message, exitCode.refused);
  return answer;
}
