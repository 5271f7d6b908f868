import { statSync } from 'node:fs';

import { CommandError, exitCode } from './exit-code.ts';

/** Throws a `CommandError` where what is written would take the place of what is read, by whatever name or link. */
export function refuseSameFile(option: string, output: string | undefined, input: string | undefined): void {
  if (output === undefined || input === undefined) return;
  const [one, other] = [output, input].map((file) => statSync(file, { throwIfNoEntry: false }));
  if (one === undefined || one.ino !== other?.ino || one.dev !== other.dev) return;
  throw new CommandError(`${option} ${output} is the very file that is read, ${input}; name another.`, exitCode.refused);
}
