import { Command, CommanderError, Help, Option } from 'commander';

import manifest from '../package.json' with { type: 'json' };
import { apiAt } from './api.ts';
import type { Api } from './api.ts';
import { calibrateCommand } from './calibrate/calibrate.ts';
import { trainCommand } from './calibrate/train.ts';
import { audit } from './commands/audit.ts';
import { classify } from './commands/classify.ts';
import { checkConfig } from './commands/check-config.ts';
import { commandExperiment, createExperiment, listExperiments, showExperiment } from './commands/experiments.ts';
import { cancel, get, list, submit, trail, verdict, watch } from './commands/jobs.ts';
import { dropQuarantined, listQuarantine, retryQuarantined } from './commands/quarantine.ts';
import { models } from './commands/models.ts';
import { queues } from './commands/queues.ts';
import { savings } from './commands/savings.ts';
import { failInSandbox, faultKinds, healInSandbox } from './commands/sandbox.ts';
import { score } from './commands/score.ts';
import {
  createWebhook,
  deleteWebhook,
  deliveries,
  enableWebhook,
  listWebhooks,
  redeliver,
  rotateWebhook,
  showWebhook,
} from './commands/webhooks.ts';
import { defaultDirectory } from './eval/data-directory.ts';
import { evalCommand } from './eval/eval.ts';
import { exitCode, exitCodesHelp } from './exit-code.ts';
import { fail, finish } from './finish.ts';
import { keyText, portNumber, positiveUsd, targetShare, time, wholeNumber } from './option-values.ts';
import { record } from './record/record.ts';
import { replay } from './replay/replay.ts';
import { dryRun } from './run/dry-run.ts';
import { run } from './run/run.ts';
import { up } from './up/up.ts';

/** Where `npx upshift up` puts the job API. */
const DEFAULT_URL = 'http://127.0.0.1:7700';

/** Where it puts the provider sandbox. */
const DEFAULT_SANDBOX_URL = 'http://127.0.0.1:7710';

const program = new Command('upshift')
  .description('An asynchronous multi-model LLM router.')
  .version(manifest.version)
  .option('--url <url>', 'the job API (or the variable UPSHIFT_URL)', process.env['UPSHIFT_URL'] || DEFAULT_URL)
  .configureHelp({ showGlobalOptions: true, optionDescription: describeOption })
  .showHelpAfterError('(--help says how)')
  .exitOverride()
  .addHelpText(
    'after',
    `\nExamples:\n  npx upshift up\n  npx upshift submit 'Why is the sky blue?' --wait\n  npx upshift watch job_001a…\n${exitCodesHelp}`,
  );

// As of a shell's variable that was never set: the path would be that of the list of all.
program.hook('preAction', (_program, command) => {
  const empty = command.registeredArguments.find(({ required }, index) => required && command.args[index] === '');
  if (empty) command.error(`error: <${empty.name()}> is empty; is a variable not set?`);
});

/** That an option must be given stands nowhere else in the help, and that a flag is off unless given need not stand there. */
function describeOption(option: Option): string {
  if (option.mandatory) return `${option.description} (needed)`;
  return option.defaultValue === false ? option.description : new Help().optionDescription(option);
}

/** A command of the API, with `--json`. */
function command(parent: Command, name: string, description: string): Command {
  return parent.command(name).description(description).option('--json', 'for machines', false);
}

/** Shown below a command's options. */
function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  npx upshift ${line}\n`).join('')}`;
}

function configFile(given: string | undefined): string {
  return given ?? (process.env['UPSHIFT_CONFIG'] || 'upshift.config.yaml');
}

function api(): Api {
  return apiAt(program.opts<{ url: string }>().url);
}

interface Json {
  json: boolean;
}

program
  .command('up')
  .description('Start everything on this machine, run the workload, and stay up.')
  .option('--once', 'stop after the workload', false)
  .option('--json', 'print the result as one JSON object on the last line of stdout', false)
  .option('--workload <file>', 'jobs to run, one JSON object per line')
  .option('--port <n>', 'port of the job API; the others follow it; 0 takes any free ones', portNumber, 7700)
  .option(
    '--data <dir>',
    'where the private Redis, logs and the password of the console are kept; one Upshift at a time',
    '.upshift',
  )
  .addHelpText(
    'after',
    '\nExamples:\n  npm start\n  npm start -- --once --json\n  npm start -- --workload examples/workload.jsonl --port 0\n',
  )
  .action((options) => finish(up(options)));

command(
  program,
  'run <file>',
  'Run all rows of a file (JSON lines) and write their results in order. Run again, it goes on where it was.',
)
  .option('--out <file>', 'where the results go, a JSON line each')
  .option('--column <name>', 'the file is CSV with a head: the column that holds the prompts')
  .option('--system <text>', 'the system prompt of rows that are mere prompts')
  .option('--task <task>', 'of rows that name none')
  .option('--route <route>', 'of rows that name none')
  .option('--webhook <name>', 'of rows that name none')
  .option('--force', 'overwrite the output', false)
  .option('--dry-run', 'only say where the rows would start and what they would cost, by this configuration', false)
  .option('--output-tokens <n>', 'with --dry-run: tokens that an answer is taken to have', wholeNumber('tokens'), 300)
  .addHelpText('after', '\nA row is a JSON string (a prompt), a job, or a line of an OpenAI batch.')
  .addHelpText(
    'after',
    examples(
      'run prompts.jsonl --dry-run',
      'run prompts.jsonl --out answers.jsonl',
      "run tickets.csv --column text --system 'Name the team: billing, technical or sales.' --out teams.jsonl",
    ),
  )
  .action((file, { dryRun: dry, outputTokens, ...options }) =>
    finish(dry ? dryRun(file, { ...options, outputTokens }) : run(api(), file, options)),
  );
command(program, 'submit [prompt]', 'Submit one job; prints its id, or with --wait its answer. The prompt may come from a pipe.')
  .option('--file <file>', 'read the prompt from a file')
  .option('--task <task>', 'what rules go by, as in classification')
  .option('--route <route>', 'the route of the configuration')
  .option('--model <id>', 'pin the job to provider/model')
  .option('--webhook <name>', 'the endpoint that is told of the end')
  .option('--json-schema <file>', 'the answer must be JSON that fits this JSON Schema')
  .option('--idempotency-key <key>', 'accept the job once under this key', keyText)
  .option('--wait [seconds]', 'wait for the answer: to its end, or so many seconds', wholeNumber('seconds'))
  .addHelpText(
    'after',
    examples(
      "submit 'Why is the sky blue?' --wait",
      'submit --file letter.txt --task summarization --wait 30 --json',
      "submit 'Name and age: Ada, 36.' --json-schema person.json --wait",
    ),
  )
  .action((prompt, { wait, ...options }) => finish(submit(api(), prompt, { ...options, wait: wait === true ? Infinity : wait })));
command(program, 'get <job>', 'A job and its answer.').action((id, { json }: Json) => finish(get(api(), id, json)));
command(program, 'watch <job>', 'Follow a job to its end.').action((id, { json }: Json) => finish(watch(api(), id, json)));
command(program, 'cancel <job>', 'Start no further attempt, and abort calls in flight.').action((id, { json }: Json) =>
  finish(cancel(api(), id, json)),
);
command(program, 'trail <job>', 'The story of a job: which model did what, for how much, and why.').action((id, { json }: Json) =>
  finish(trail(api(), id, json)),
);
command(program, 'verdict <job>', 'Say of a delivered answer whether it is good; one that is not is answered anew, a tier up.')
  .option('--passed', 'it is good')
  .option('--failed', 'it is not')
  .requiredOption('--reason <text>', 'what was found')
  .option('--revision <n>', 'of the answer that was looked at; the newest where it is left out', wholeNumber('revision'))
  .addHelpText('after', examples("verdict job_001a… --failed --reason 'two of five tests fail'"))
  .action((id, options) => finish(verdict(api(), id, options)));
command(program, 'jobs', 'List jobs, newest first.')
  .option('--status <status>', 'queued, in_progress, completed, failed, cancelled or expired')
  .option('--route <route>')
  .option('--task <task>')
  .option('--metadata <key=value...>', 'all of these must fit', [])
  .option('--limit <n>', '1 to 100')
  .option('--after <job>', 'go on after this one')
  .addHelpText('after', examples('jobs --status failed', 'jobs --metadata customer=42 --limit 100 --json'))
  .action((options) => finish(list(api(), options)));
command(program, 'queues', 'What waits in each queue, and for how long.')
  .option('--watch', 'look again every second', false)
  .action((options) => finish(queues(api(), options)));

command(program, 'record', 'Write ended jobs with their answers into an answer book; recording.enabled must be true.')
  .requiredOption('--out <file>', 'where the book goes, a JSON line per job, newest first')
  .option('--route <route>', 'jobs of this route')
  .option('--status <status>', 'jobs that ended so: completed, failed, cancelled or expired')
  .option('--since <time>', 'jobs made since then, as in 2026-11-23', time)
  .option('--limit <n>', 'the newest so many', wholeNumber('jobs'))
  .option('--force', 'overwrite the book', false)
  .addHelpText('after', examples('record --out book.jsonl --since 2026-11-23', 'record --out failed.jsonl --status failed'))
  .action((options) => finish(record(api(), options)));
command(
  program,
  'replay <book>',
  'Play the jobs of a book under another configuration, offline, and say what would have changed.',
)
  .requiredOption('--config <file>', 'the configuration to try')
  .addHelpText('after', examples('replay book.jsonl --config new.yaml', 'replay book.jsonl --config new.yaml --json'))
  .action((book, options) => finish(replay(book, options)));

const quarantine = program
  .command('quarantine')
  .description('Jobs that crashed a worker in which they ran alone.')
  .addHelpText('after', examples('quarantine list', 'quarantine retry job_001a…'));
command(quarantine, 'list', 'All of them, with the reason.').action(({ json }: Json) => finish(listQuarantine(api(), json)));
command(quarantine, 'retry <job>', 'Submit its request again; prints the new job.').action((id, { json }: Json) =>
  finish(retryQuarantined(api(), id, json)),
);
quarantine
  .command('drop <job>')
  .description('Take a job off the list.')
  .action((id) => finish(dropQuarantined(api(), id)));

const sandbox = program
  .command('sandbox')
  .description('Failures of the provider sandbox, to see what follows from them.')
  .option('--sandbox <url>', 'its address, as npm start prints it', DEFAULT_SANDBOX_URL)
  .addHelpText(
    'after',
    examples('sandbox fault openai', 'sandbox fault anthropic/claude-haiku-5-5 --kind overloaded', 'sandbox heal openai'),
  );
const sandboxUrl = (): string => sandbox.opts<{ sandbox: string }>().sandbox;
sandbox
  .command('fault <target>')
  .description('Make all further calls of a provider, or of one model, fail.')
  .addOption(new Option('--kind <kind>', 'what becomes of them').choices(faultKinds).default('server_error'))
  .action((target, { kind }) => finish(failInSandbox(sandboxUrl(), target, kind, configFile(undefined))));
sandbox
  .command('heal <target>')
  .description('Take that back.')
  .action((target) => finish(healInSandbox(sandboxUrl(), target)));

program
  .command('classify [file]')
  .description(
    'Say how complex prompts are: JSON lines {"prompt"} from a file or a pipe, {"complexity", "confidence", "task", "domain"} out.',
  )
  .addHelpText('after', examples('classify prompts.jsonl', 'classify < prompts.jsonl > complexities.jsonl'))
  .action((file) => finish(classify(file)));
program
  .command('score [file]')
  .description(
    'Say how likely each answer is right: JSON lines {"prompt", "answer", "others"?} from a file or a pipe, {"score", "checks"} out.',
  )
  .option('--profile <file>', 'what your own labels change of the scorer, as `calibrate` wrote it')
  .addHelpText(
    'after',
    '\nEvery answer gets a number, also one of a kind that the scorer has not learnt of (a label, a letter to a customer, a number that\nis neither calculated nor named as the result): there it says little, and the running system says nothing.',
  )
  .addHelpText('after', examples('score answers.jsonl', 'score < answers.jsonl > scores.jsonl'))
  .action((file, options) => finish(score(file, options)));
command(program, 'calibrate', 'Fit the scorer, and thresholds where --target is given, to answers that somebody has looked at.')
  .option('--labels <file>', 'JSON lines {"question_id", "prompt", "tier", "answer", "ok"}')
  .option('--from-history', 'late verdicts on ended jobs, and audits; recording.enabled must be true', false)
  .option('--profile <file>', 'write what the labels change of the scorer')
  .option('--target <share>', 'the share of the top tier’s quality that thresholds must reach, as 0.97', targetShare)
  .option('--config <file>', 'the configuration that is calibrated', configFile(undefined))
  .option('--out <file>', 'write the configuration with profile and thresholds in it')
  .option('--report <file>', 'write the report, as Markdown')
  .addHelpText(
    'after',
    examples('calibrate --labels labels.jsonl --profile profile.json', 'calibrate --from-history --target 0.97 --out new.yaml'),
  )
  .action((options) => finish(calibrateCommand(api, options)));

command(program, 'train', 'Fit the classifier to what became of answers; what is no better is not written.')
  .option('--labels <file>', 'labels, a JSON line each; those that the system has kept where it is left out')
  .option('--config <file>', 'the configuration whose classifier is fitted', configFile(undefined))
  .option('--out <file>', 'write the configuration with the new weights here; the same file installs them at the next start')
  .addHelpText('after', examples('train', 'train --labels labels.jsonl --out new.yaml'))
  .action((options) => finish(trainCommand(api, options)));

command(program, 'audit', 'Have a part of the jobs answered once more at the top tier, after they have ended, for labels.')
  .option('--route <route>', 'of which route', 'default')
  .option('--share <share>', 'the part of its jobs', targetShare, 0.02)
  .requiredOption('--budget-usd <usd>', 'when it is spent the audit ends', positiveUsd)
  .option('--rubric <text>', 'have a judge compare the answers by this; without it final answers are compared')
  .addHelpText('after', examples('audit --budget-usd 5', "audit --share 0.05 --budget-usd 20 --rubric 'Which answer is right?'"))
  .action((options) => finish(audit(api(), options)));

command(program, 'savings', 'What jobs cost, and what they would have cost with one model for everything, by route.')
  .option('--days <n>', 'the last days, today included', wholeNumber('days'), 7)
  .addHelpText('after', examples('savings', 'savings --days 30 --json'))
  .action((options) => finish(savings(api(), options)));

command(
  program,
  'eval',
  'How well classifier and scorer choose between recorded answers of a cheap and a dear model, beside baselines.',
)
  .option('--data <dir>', 'the folder with the recorded answers', defaultDirectory)
  .option('--only <text>', 'pairs whose name contains this')
  .addOption(
    new Option('--weights <which>', 'cross-fitted: trained anew without the questions asked; shipped: as they are')
      .choices(['cross-fitted', 'shipped'])
      .default('cross-fitted'),
  )
  .option('--out <dir>', 'where report.html and report.json go', '.upshift/eval')
  .addHelpText(
    'after',
    examples('eval', 'eval --only GSM8K --out /tmp/report', 'eval --data questions-of-mine --weights shipped --json'),
  )
  .action((options) => finish(Promise.resolve().then(() => evalCommand(options))));

command(
  program,
  'models [file]',
  'The models of a configuration: what they can, what they cost, and where their providers disagree.',
)
  .addHelpText('after', examples('models', 'models upshift.config.yaml --json'))
  .action((file, { json }: Json) => finish(models(configFile(file), process.env, json)));

const config = program.command('config').description('The configuration.');
command(config, 'check [file]', 'Say what a configuration holds, or all that is wrong with it.').action((file, { json }: Json) =>
  finish(Promise.resolve().then(() => checkConfig(configFile(file), json))),
);

const webhooks = program
  .command('webhooks')
  .description('The endpoints that are told of the ends of jobs.')
  .addHelpText('after', examples('webhooks create orders https://example.com/hook', 'webhooks redeliver orders --failed'));
command(webhooks, 'list', 'All endpoints.').action(({ json }: Json) => finish(listWebhooks(api(), json)));
command(webhooks, 'show <name>', 'One endpoint.').action((name, { json }: Json) => finish(showWebhook(api(), name, json)));
command(webhooks, 'create <name> <url>', 'Make an endpoint and show its secret, once.')
  .option('--full', 'send the whole job, with its answer', false)
  .action((name, url, { full, json }) => finish(createWebhook(api(), name, url, full, json)));
command(webhooks, 'rotate <name>', 'Make a new secret and show it, once.').action((name, { json }: Json) =>
  finish(rotateWebhook(api(), name, json)),
);
command(webhooks, 'enable <name>', 'Tell an endpoint again that had answered 410.').action((name, { json }: Json) =>
  finish(enableWebhook(api(), name, json)),
);
webhooks
  .command('delete <name>')
  .description('Remove an endpoint and its log.')
  .action((name) => finish(deleteWebhook(api(), name)));
command(webhooks, 'deliveries <name>', 'The log of an endpoint, newest first.').action((name, { json }: Json) =>
  finish(deliveries(api(), name, json)),
);
command(webhooks, 'redeliver <name>', 'Send again what was not delivered.')
  .option('--job <job>', 'that of one job')
  .option('--failed', 'all that were not delivered', false)
  .action((name, { json, ...options }) => finish(redeliver(api(), name, options, json)));

const experiments = program
  .command('experiments')
  .description('A/B tests, canaries, shadows and adaptive experiments.')
  .addHelpText('after', examples('experiments create canary.yaml', 'experiments show new-model', 'experiments abort new-model'));
command(experiments, 'list', 'All experiments.').action(({ json }: Json) => finish(listExperiments(api(), json)));
command(experiments, 'create <file>', 'Start the experiment that a YAML or JSON file declares.').action((file, { json }: Json) =>
  finish(createExperiment(api(), file, json)),
);
command(experiments, 'show <name>', 'One experiment with its results and plots.').action((name, { json }: Json) =>
  finish(showExperiment(api(), name, json)),
);
for (const [verb, description] of [
  ['pause', 'Give new jobs no arm; held answers go on waiting.'],
  ['resume', 'Go on after a pause.'],
  ['abort', 'End it; jobs whose answers are held are answered anew.'],
] as const) {
  command(experiments, `${verb} <name>`, description).action((name: string, { json }: Json) =>
    finish(commandExperiment(api(), name, verb, undefined, json)),
  );
}
command(experiments, 'promote <name>', 'Give all jobs to the canary, or to one arm.')
  .option('--arm <arm>', 'which arm, for all but canaries')
  .action((name, { arm, json }) => finish(commandExperiment(api(), name, 'promote', arm, json)));

// Who reads our output may stop before its end, as `head` does, and want no more of what we do.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(process.exitCode ?? exitCode.ok);
});

try {
  await program.parseAsync();
} catch (error) {
  // By itself, as in finish.ts: nothing is open yet.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? exitCode.ok : exitCode.refused;
  else fail(error);
}
