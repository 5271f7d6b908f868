import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';

const toolArguments = z.record(z.string(), z.unknown());

const toolCall = z.strictObject({
  name: z.string().min(1),
  /** An object, or the same as JSON text. */
  arguments: z.union([toolArguments, z.string().transform((text, context) => parseArguments(text, context))]),
});

/** An answer with more than a text. */
export const bookAnswer = z.strictObject({
  text: z.string(),
  tool_calls: z.array(toolCall).optional(),
  finish_reason: z.enum(['stop', 'length', 'tool_calls', 'refusal']).optional(),
});

const bookEntry = z.strictObject({
  model: z.string().regex(/^(\*|[a-z]+\/.+)$/, 'must be "*" or "provider/model"'),
  key: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lowercase hex digits'),
  answer: z.union([z.string(), bookAnswer]),
  usage: z.strictObject({ input_tokens: z.int().nonnegative(), output_tokens: z.int().nonnegative() }).optional(),
  latency_ms: z.number().nonnegative().optional(),
});

/** One line of an answer book. */
export type BookEntry = z.output<typeof bookEntry>;
/** One line of an answer book as it is written. */
export type BookEntryInput = z.input<typeof bookEntry>;

function parseArguments(text: string, context: z.core.$RefinementCtx): Record<string, unknown> {
  try {
    return toolArguments.parse(JSON.parse(text));
  } catch {
    context.addIssue({ code: 'custom', message: 'must be an object, or JSON text of one' });
    return z.NEVER;
  }
}

/** The key of a prompt: SHA-256, in hex, of the last user message's text with white space folded. */
export function bookKey(text: string): string {
  return createHash('sha256').update(text.replace(/\s+/g, ' ').trim()).digest('hex');
}

function parseLine(line: string, origin: string): BookEntry {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new Error(`${origin}: not JSON`, { cause });
  }
  const result = bookEntry.safeParse(value);
  if (!result.success) throw new Error(`${origin}: ${z.prettifyError(result.error)}`);
  return result.data;
}

/** Parses JSON lines; blank lines are skipped; an error names `origin` and the line. */
export function parseBook(text: string, origin: string): BookEntry[] {
  return text.split('\n').flatMap((line, index) => (line.trim() === '' ? [] : [parseLine(line, `${origin}:${index + 1}`)]));
}

/** The answers by model and key. Of two lines with the same model and key the later one counts. */
export class Book {
  readonly #entries = new Map<string, BookEntry>();
  readonly #models = new Set<string>();

  get size(): number {
    return this.#entries.size;
  }

  add(input: BookEntryInput): void {
    const entry = bookEntry.parse(input);
    this.append([entry]);
  }

  append(entries: readonly BookEntry[]): void {
    for (const entry of entries) {
      this.#entries.set(`${entry.model} ${entry.key}`, entry);
      if (entry.model !== '*') this.#models.add(entry.model);
    }
  }

  /** Reads a file of JSON lines, line by line: books may be larger than the longest string. */
  async load(path: string): Promise<void> {
    let number = 0;
    for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
      number += 1;
      if (line.trim() !== '') this.append([parseLine(line, `${path}:${number}`)]);
    }
  }

  /** The entry for exactly this model, else the one for any model. */
  find(model: string, key: string): BookEntry | undefined {
    return this.#entries.get(`${model} ${key}`) ?? this.#entries.get(`* ${key}`);
  }

  /** Names of a provider's models which the book knows, without the prefix. */
  modelNames(provider: string): string[] {
    const prefix = `${provider}/`;
    return [...this.#models].filter((model) => model.startsWith(prefix)).map((model) => model.slice(prefix.length));
  }
}
