import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { environmentVariables } from '@upshift/runtime';

import { openLog } from '../program-log.ts';

/** A program of the fleet. */
export interface Program {
  name: string;
  file: string;
  arguments: string[];
  environment: NodeJS.ProcessEnv;
}

/** A program that runs, on the port that it said. */
export interface Started {
  name: string;
  port: number;
  /** Of the process that runs now. */
  readonly pid: number;
  stop(): Promise<void>;
}

const FIRST_RESTART_MS = 500;
const LONGEST_RESTART_MS = 10_000;
/** What has run for so long is well: its next death is a new one. In ms. */
const WELL_AFTER_MS = 60_000;
/** A program that has not stopped so long after its grace period is killed; a service ends by itself 5 s after it. In ms. */
const KILL_AFTER_GRACE_MS = 10_000;
/** What a program said last, shown when it can not start. */
const KEPT_OUTPUT = 4000;

/** Starts a program, keeps its log, and starts it again when it dies by itself. Rejects where it can not start at all. */
export function start(program: Program, directory: string, say: (line: string) => void): Promise<Started> {
  return new Supervised(program, directory, say).start();
}

class Supervised {
  readonly #program: Program;
  readonly #directory: string;
  readonly #say: (line: string) => void;
  #child: ChildProcess | null = null;
  #restart: NodeJS.Timeout | null = null;
  #ready = false;
  #stopping = false;
  #deaths = 0;
  #lastOutput = '';

  constructor(program: Program, directory: string, say: (line: string) => void) {
    this.#program = program;
    this.#directory = join(directory, 'logs');
    this.#say = say;
    mkdirSync(this.#directory, { recursive: true });
  }

  async start(): Promise<Started> {
    const port = await this.#launch(this.#program.environment);
    this.#ready = true;
    // Started again it takes the same port: others know it.
    this.#program.environment = { ...this.#program.environment, PORT: String(port) };
    const pid = (): number => this.#child?.pid ?? 0;
    return {
      name: this.#program.name,
      port,
      get pid() {
        return pid();
      },
      stop: () => this.#stop(),
    };
  }

  #launch(environment: NodeJS.ProcessEnv): Promise<number> {
    const startedAt = performance.now();
    return new Promise((resolve, reject) => {
      const died = (how: number | string | null): void => {
        this.#child = null;
        reject(new Error(`${this.#program.name} could not start:\n${this.#lastOutput.trim() || `it ended with ${how}`}`));
        this.#died(how, performance.now() - startedAt);
      };
      try {
        const child = this.#fork(environment);
        child.on('message', (message: { event?: string; port?: number }) => {
          if (message.event === 'ready') resolve(message.port ?? 0);
        });
        child.once('exit', (code, signal) => died(code ?? signal));
        // What never began has no exit.
        child.on('error', (error) => (child.pid === undefined ? died(error.message) : undefined));
      } catch (error) {
        died(error instanceof Error ? error.message : String(error));
      }
    });
  }

  #fork(environment: NodeJS.ProcessEnv): ChildProcess {
    // Its own process group: Ctrl-C reaches the supervisor alone, which stops all in order.
    const child = fork(this.#program.file, this.#program.arguments, {
      env: environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    this.#keepLog(child);
    return child;
  }

  #keepLog(child: ChildProcess): void {
    const file = join(this.#directory, `${this.#program.name}.log`);
    // A full disk is no reason to stop what runs.
    const log = openLog(file, ({ message }) => this.#say(`${file} is not written any more: ${message}`));
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#lastOutput = (this.#lastOutput + chunk.toString('utf8')).slice(-KEPT_OUTPUT);
        log.write(chunk);
      });
    }
    child.once('close', () => log.end());
  }

  #died(how: number | string | null, afterMs: number): void {
    if (this.#stopping || !this.#ready) return;
    if (afterMs >= WELL_AFTER_MS) this.#deaths = 0;
    const delayMs = Math.min(LONGEST_RESTART_MS, FIRST_RESTART_MS * 2 ** this.#deaths);
    this.#deaths += 1;
    this.#say(`${this.#program.name} ended (${how}); starting it again in ${delayMs} ms`);
    this.#restart = setTimeout(() => void this.#launch(this.#program.environment).catch(() => undefined), delayMs);
  }

  async #stop(): Promise<void> {
    this.#stopping = true;
    if (this.#restart) clearTimeout(this.#restart);
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const kill = setTimeout(() => child.kill('SIGKILL'), this.#graceMs() + KILL_AFTER_GRACE_MS);
    child.kill('SIGTERM');
    await ended;
    clearTimeout(kill);
  }

  #graceMs(): number {
    return environmentVariables.shape.SHUTDOWN_GRACE_S.parse(this.#program.environment['SHUTDOWN_GRACE_S'] || undefined) * 1000;
  }
}
