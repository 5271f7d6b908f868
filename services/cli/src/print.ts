import { exitCode } from './exit-code.ts';

/** A line of what a command has found. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** A line beside that, for people: what a command is about, and what there is to know of what it has found. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** What a command has found, on one line for machines. Gives the code with which it ends. */
export function show(json: boolean, found: unknown, lines: string[]): number {
  print(json ? JSON.stringify(found) : lines.join('\n'));
  return exitCode.ok;
}
