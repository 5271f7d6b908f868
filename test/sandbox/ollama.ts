import { z } from 'zod';
import type { Answer } from './answer.ts';
import { embed, embeddingDimensions, embeddingInput, inputTexts } from './embedding.ts';
import { type Call, conversation, pieces, type Vendor } from './endpoint.ts';
import { type Failure, parseBody } from './failure.ts';

/** Ollama ignores parameters that it does not know, so only those used here are looked at. */
const chatRequest = z.looseObject({
  model: z.string().min(1),
  messages: z
    .array(z.looseObject({ role: z.enum(['system', 'user', 'assistant', 'tool']), content: z.string().default('') }))
    .min(1),
  /** Ollama streams unless told otherwise. */
  stream: z.boolean().default(true),
  format: z.union([z.literal(['', 'json']), z.record(z.string(), z.unknown())]).optional(),
});

type ChatRequest = z.output<typeof chatRequest>;

const embedRequest = z.looseObject({ model: z.string().min(1), input: embeddingInput, dimensions: embeddingDimensions });

/** `POST /api/chat`. */
function parseChat(body: unknown): Call {
  const request = parseBody(chatRequest, body);
  return {
    model: `ollama/${request.model}`,
    ...conversation(request.messages.map(({ role, content }) => ({ role, text: content }))),
    schema: schemaOf(request),
    stream: request.stream,
    body: (answer) => ({ ...line(request, message(answer, answer.text)), ...ending(answer) }),
    frames: (answer) => chatFrames(request, answer),
  };
}

function schemaOf({ format }: ChatRequest): unknown {
  if (format === 'json') return true;
  return format === '' ? undefined : format;
}

/** `POST /api/embed`. */
function parseEmbed(body: unknown): Call {
  const request = parseBody(embedRequest, body);
  const texts = inputTexts(request.input);
  return {
    model: `ollama/${request.model}`,
    ...conversation([{ role: 'user', text: texts.join('\n') }]),
    stream: false,
    embedding: true,
    body: (answer) => ({
      model: request.model,
      embeddings: texts.map((text) => embed(text, request.dimensions)),
      total_duration: 1_000_000,
      load_duration: 0,
      prompt_eval_count: answer.inputTokens,
    }),
    frames: () => [],
  };
}

/** Ollama has no form for a refusal: it is a text like any other. */
function message(answer: Answer, content: string): object {
  const calls = answer.toolCalls.map((call) => ({ function: { name: call.name, arguments: call.arguments } }));
  return { role: 'assistant', content, ...(calls.length > 0 && { tool_calls: calls }) };
}

function line(request: ChatRequest, content: object): object {
  return { model: request.model, created_at: new Date().toISOString(), message: content, done: false };
}

function ending(answer: Answer): object {
  const durationNs = Math.round(answer.latencyMs * 1e6);
  return {
    done: true,
    done_reason: answer.finish === 'length' ? 'length' : 'stop',
    total_duration: durationNs,
    load_duration: 0,
    prompt_eval_count: answer.inputTokens,
    prompt_eval_duration: 0,
    eval_count: answer.outputTokens,
    eval_duration: durationNs,
  };
}

function chatFrames(request: ChatRequest, answer: Answer): string[] {
  const empty = { role: 'assistant', content: '' };
  const lines = [
    ...pieces(answer.text).map((piece) => line(request, { ...empty, content: piece })),
    ...(answer.toolCalls.length > 0 ? [line(request, message(answer, ''))] : []),
    { ...line(request, empty), ...ending(answer) },
  ];
  return lines.map((value) => `${JSON.stringify(value)}\n`);
}

function error({ message: text }: Failure): object {
  return { error: text };
}

function models(names: string[]): object {
  return {
    models: names.map((name) => ({
      name,
      model: name,
      modified_at: '2026-01-01T00:00:00Z',
      size: 4_000_000_000,
      digest: '0'.repeat(64),
      details: {
        parent_model: '',
        format: 'gguf',
        family: 'sandbox',
        families: ['sandbox'],
        parameter_size: '8B',
        quantization_level: 'Q4_K_M',
      },
    })),
  };
}

/** Ollama's own API. */
export const ollama: Vendor = {
  provider: 'ollama',
  needsKey: false,
  overloadedStatus: 503,
  streamType: 'application/x-ndjson',
  brokenFrame: '{"message":{"role":"assistant","cont\n',
  headers: () => ({}),
  error,
  errorFrame: (failure) => `${JSON.stringify(error(failure))}\n`,
  modelsPath: '/api/tags',
  models,
  routes: { '/api/chat': parseChat, '/api/embed': parseEmbed },
};
