import type { QueueEntry } from './entry.ts';

/** What a step of a job changes in Redis, all or nothing: the transition script carries it out. */
export interface Transition {
  id: string;
  /** The version on which it was decided; 0 for a job to which nothing has happened since it was accepted. */
  version: number;
  status: string;
  route: string;
  task: string;
  /** Field-value pairs of the record, with what is new in its trail. */
  fields: string[];
  /** How many lines are new in its trail. */
  lines: number;
  /** Name-amount pairs. */
  counters: (string | number)[];
  enters: string[];
  leaves: string[];
  /** Ms for which the job is kept from now on, where it has ended. */
  keptMs: number | null;
  /** Ms since the epoch. */
  deadline: number | null;
  /** An ended job that runs again. */
  reopened: boolean;
  entry: QueueEntry | null;
  held: HeldEntry | null;
  /** Channels that are told the job's id. */
  publish: string[];
  /** What a job of an experiment came to, for its evaluator. */
  outcome: string | null;
  /** What became of an answer, for `upshift train`: kept with what the record says that the classifier saw of the prompt. */
  label: string | null;
}

/** An entry that a consumer has taken off its queue. */
export interface HeldEntry {
  queue: string;
  id: string;
  /** Of its lock; null while it has none, because it was taken a moment ago. */
  token: string | null;
}

export type TransitionReply = ['ok'] | ['conflict'] | ['error', string];

/** What is asked of the script in one call. */
export type Request = { transition: Transition } | { finish: HeldEntry };
