import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { parseBook } from './book.ts';
import { Failure, parseJson } from './failure.ts';
import { faultRuleList, oneFaultRule } from './faults.ts';
import type { Ledger } from './ledger.ts';
import type { SandboxState } from './provider-call.ts';
import { readBody } from './read-body.ts';
import { jobAnswers, type Recordings } from './recordings.ts';
import { settingsChange } from './settings.ts';

type Action = (state: SandboxState, body: string) => object;

/** The control API, by method and path. Each answers with what is in force after it. */
const ACTIONS: Record<string, Action> = {
  'GET /_sandbox/health': ({ inFlight, book, settings }) => ({
    status: 'ok',
    in_flight: inFlight,
    book_entries: book.size,
    ...settings.values,
  }),
  'GET /_sandbox/ledger/summary': ({ ledger }) => ledger.summary(),
  'DELETE /_sandbox/ledger': ({ ledger }) => {
    ledger.clear();
    return ledger.summary();
  },
  'GET /_sandbox/faults': ({ faults }) => faults.rules,
  'PUT /_sandbox/faults': ({ faults }, body) => {
    faults.replace(checked(faultRuleList, body));
    return faults.rules;
  },
  'POST /_sandbox/faults': ({ faults }, body) => {
    faults.prepend(checked(oneFaultRule, body));
    return faults.rules;
  },
  'PUT /_sandbox/book': ({ book }, body) => {
    book.append(checkedBook(body));
    return { book_entries: book.size };
  },
  'PUT /_sandbox/recordings': ({ recordings }, body) => {
    playing(recordings).add(checked(jobAnswers, body));
    return {};
  },
  'GET /_sandbox/misses': ({ recordings }) => playing(recordings).misses,
  'GET /_sandbox/settings': ({ settings }) => settings.values,
  'PUT /_sandbox/settings': ({ settings }, body) => {
    settings.change(checked(settingsChange, body));
    return settings.values;
  },
};

function playing(recordings: Recordings | null): Recordings {
  if (recordings === null) throw new Failure(409, 'This sandbox plays no recordings; start it with --recorded.');
  return recordings;
}

function checked<Schema extends z.ZodType>(schema: Schema, body: string): z.output<Schema> {
  const result = schema.safeParse(parseJson(body));
  if (!result.success) throw new Failure(400, z.prettifyError(result.error));
  return result.data;
}

function checkedBook(body: string): ReturnType<typeof parseBook> {
  try {
    return parseBook(body, 'line');
  } catch (error) {
    throw new Failure(400, (error as Error).message);
  }
}

/** Answers a request below `/_sandbox/`. */
export async function serveControl(
  state: SandboxState,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const body = await readBody(request);
    if (request.method === 'GET' && path === '/_sandbox/ledger') await sendLedger(state.ledger, response);
    else sendJson(response, 200, act(state, `${request.method} ${path}`, body));
  } catch (error) {
    sendControlError(response, error);
  }
}

function act(state: SandboxState, route: string, body: string): object {
  const action = Object.hasOwn(ACTIONS, route) ? ACTIONS[route] : undefined;
  if (action === undefined)
    throw new Failure(404, `No such route: ${route}. Known: GET /_sandbox/ledger, ${Object.keys(ACTIONS).join(', ')}.`);
  return action(state, body);
}

function sendControlError(response: ServerResponse, error: unknown): void {
  if (response.destroyed || response.headersSent) return;
  const status = error instanceof Failure ? error.status : 500;
  sendJson(response, status, { error: { message: (error as Error).message } });
}

/** Answers with JSON. */
export function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function sendLedger(ledger: Ledger, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/jsonl' });
  await pipeline(Readable.from(ledgerText(ledger)), response);
}

const LINES_PER_WRITE = 1000;

/** In parts, since a ledger of millions is longer than the longest string. */
function* ledgerText({ generations }: Ledger): Generator<string> {
  for (let start = 0; start < generations.length; start += LINES_PER_WRITE) {
    yield generations
      .slice(start, start + LINES_PER_WRITE)
      .map((generation) => `${JSON.stringify(generation)}\n`)
      .join('');
  }
}
