import { Command, InvalidArgumentError } from 'commander';

import { up } from './up/up.ts';

const program = new Command('upshift').description('An asynchronous multi-model LLM router.').showHelpAfterError();

program
  .command('up')
  .description('Start everything on this machine, run the workload, and stay up.')
  .option('--once', 'stop after the workload', false)
  .option('--json', 'print the result as one JSON object on the last line of stdout', false)
  .option('--workload <file>', 'jobs to run, one JSON object per line')
  .option('--port <n>', 'port of the job API; the others follow it; 0 takes any free ones', portNumber, 7700)
  .option('--data <dir>', 'where the private Redis, logs and the password of the console are kept', '.upshift')
  .addHelpText(
    'after',
    '\nExamples:\n  npm start\n  npm start -- --once --json\n  npm start -- --workload examples/workload.jsonl --port 0\n',
  )
  .action(async (options) => {
    // Requests that were under way when all was stopped would keep the process alive.
    process.exit(await up(options));
  });

function portNumber(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_500) return port;
  throw new InvalidArgumentError('a port is a whole number from 0 to 65500.');
}

await program.parseAsync();
