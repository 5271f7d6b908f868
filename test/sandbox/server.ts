import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { anthropic } from './anthropic.ts';
import { Book, type BookEntryInput } from './book.ts';
import { sendJson, serveControl } from './control.ts';
import type { Vendor } from './endpoint.ts';
import { type FaultRule, Faults } from './faults.ts';
import { Ledger } from './ledger.ts';
import { ollama } from './ollama.ts';
import { openai } from './openai.ts';
import { type SandboxState, serveVendor } from './provider-call.ts';
import { Recordings } from './recordings.ts';
import { Settings } from './settings.ts';

export type SandboxOptions = {
  /** 0, the default, takes any free port. */
  port?: number;
  /** 127.0.0.1 by default. */
  host?: string;
  /** Answer books: paths of files of JSON lines. */
  books?: readonly string[];
  /** Answers given in place. */
  entries?: readonly BookEntryInput[];
  faults?: readonly FaultRule[];
  /** Gives answers that were recorded for the very job, and no others: `PUT /_sandbox/recordings` brings them. */
  recorded?: boolean;
};

/** A running sandbox. Its parts may be read and changed directly by tests in the same process. */
export type Sandbox = {
  /** `http://host:port`, to which `/openai/v1`, `/anthropic` and `/ollama` are added as the SDKs' base URLs. */
  url: string;
  port: number;
  book: Book;
  faults: Faults;
  ledger: Ledger;
  settings: Settings;
  /** Calls in flight. */
  inFlight(): number;
  /** Ends all connections, also those of calls that would never be answered. */
  close(): Promise<void>;
};

/** Longer than the SDKs keep idle connections, so that none is closed while a request is on its way. */
const KEEP_ALIVE_MS = 120_000;

const VENDORS = new Map<string, Vendor>([openai, anthropic, ollama].map((vendor) => [vendor.provider, vendor]));

/** `/openai/v1/responses`, or `/as/azure/openai/v1/responses` for a provider of another name that speaks the same protocol. */
const PROVIDER_PATH = /^(?:\/as\/([^/]+))?\/([^/]+)(.*)$/s;

/** Starts a sandbox: one HTTP server for all providers and the control API. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const state: SandboxState = {
    book: new Book(),
    faults: new Faults(options.faults),
    ledger: new Ledger(),
    settings: new Settings(),
    inFlight: 0,
    recordings: options.recorded === true ? new Recordings() : null,
  };
  for (const path of options.books ?? []) await state.book.load(path);
  for (const entry of options.entries ?? []) state.book.add(entry);
  const host = options.host ?? '127.0.0.1';
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => void serve(state, request, response));
  const port = await listen(server, options.port ?? 0, host);
  return { ...state, url: `http://${host}:${port}`, port, inFlight: () => state.inFlight, close: () => close(server) };
}

async function serve(state: SandboxState, request: IncomingMessage, response: ServerResponse): Promise<void> {
  // A client that goes away in the middle of an answer is no error of the sandbox.
  response.on('error', () => undefined);
  const path = (request.url ?? '/').replace(/\?.*$/s, '');
  const [, provider, prefix = '', rest = ''] = PROVIDER_PATH.exec(path) ?? [];
  const vendor = VENDORS.get(prefix);
  if (vendor) await serveVendor(state, vendor, { path: rest, provider: provider ?? vendor.provider }, request, response);
  else if (prefix === '_sandbox') await serveControl(state, path, request, response);
  else sendJson(response, 404, { error: { message: `No provider at ${path}: use /openai, /anthropic, /ollama or /_sandbox.` } });
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(error.code === 'EADDRINUSE' ? portIsTaken(port) : error));
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

function portIsTaken(port: number): Error {
  return new Error(
    `port ${port} is taken, perhaps by a running Upshift; choose another (npm start -- --port N), or 0 for any free one`,
  );
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
