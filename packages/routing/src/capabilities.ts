import type {
  Capability,
  ChatInput,
  JobInput,
  JobRequest,
  ModelConfig,
  Needs,
  RouteConfig,
  SamplingParameter,
  UpshiftConfig,
} from '@upshift/contracts';
import { isEmbedding, samplingParameter, splitModelId, textOf } from '@upshift/contracts';

import { estimateTokens } from './cost.ts';
import { wantsVectors } from './who-may-answer.ts';

/** Tokens that an image takes of a context window, roughly: the vendors' figures lie between 85 and 1,600. */
const TOKENS_PER_IMAGE = 1000;

/** What a model must have to be given this job. */
export function needsOf(request: JobRequest): Needs {
  const { input } = request;
  if (isEmbedding(input)) {
    const lengths = input.texts.map((text) => text.length);
    const all = lengths.reduce((sum, length) => sum + length, 0);
    return {
      capabilities: ['embedding'],
      sampling: [],
      inputTokens: estimateTokens(all),
      contextTokens: estimateTokens(Math.max(...lengths)),
      maxOutputTokens: null,
    };
  }
  const capabilities: Capability[] = [];
  const images = input.messages.flatMap(({ content }) =>
    typeof content === 'string' ? [] : content.filter((part) => part.type === 'image_url'),
  );
  if (input.tools.length > 0) capabilities.push('tools');
  if (images.length > 0) capabilities.push('vision');
  if (input.response_format?.type === 'json_schema') capabilities.push('structured_output');
  const inputTokens = estimateTokens(charactersOf(input)) + images.length * TOKENS_PER_IMAGE;
  return {
    capabilities,
    ...preferencesOf(input),
    ...(request.require.length > 0 && { required: request.require }),
    ...(input.tools.length > 0 && input.tool_choice === 'required' && { mustCallTool: true as const }),
    ...(input.messages.at(-1)?.role === 'assistant' && { continuesAnswer: true as const }),
    ...(images.some(({ image_url }) => !image_url.url.startsWith('data:')) && { imagesByUrl: true as const }),
    inputTokens,
    contextTokens: inputTokens,
    maxOutputTokens: input.max_output_tokens ?? null,
  };
}

/** All that a model reads of an input and is billed for, but images. */
function charactersOf({ messages, tools, response_format: format }: ChatInput): number {
  const ofMessages = messages.reduce((sum, message) => sum + textOf(message).length, 0);
  const calls = messages.flatMap((message) => (message.role === 'assistant' ? (message.tool_calls ?? []) : []));
  const schemas = format?.type === 'json_schema' ? [format.schema] : [];
  return ofMessages + JSON.stringify([...tools, ...calls, ...schemas]).length;
}

/** What an input prefers, and a model may reject. */
export function preferencesOf(input: JobInput): Pick<Needs, 'sampling' | 'reasoningEffort'> {
  if (isEmbedding(input)) return { sampling: [] };
  const { reasoning_effort: reasoningEffort } = input;
  const sampling = samplingParameter.options.filter((name) => input[name] !== undefined);
  return { sampling, ...(reasoningEffort && { reasoningEffort }) };
}

/** What a job prefers under its route, which sets what the job leaves open. Vectors have no such parameters. */
export function preferencesUnder({ parameters }: RouteConfig, needs: Needs): Needs {
  if (parameters === undefined || wantsVectors(needs)) return needs;
  const added = samplingParameter.options.filter((name) => name in parameters && !needs.sampling.includes(name));
  const reasoningEffort = needs.reasoningEffort ?? parameters.reasoning_effort;
  return { ...needs, sampling: [...needs.sampling, ...added], ...(reasoningEffort && { reasoningEffort }) };
}

type Provider = UpshiftConfig['providers'][string];

/** The declared provider of a model. */
export function providerOf(config: UpshiftConfig, id: string): Provider | undefined {
  return config.providers[splitModelId(id).provider];
}

/** What a model lacks for these needs, in words; empty where it can do the job. */
export function lacks(model: ModelConfig, provider: Provider | undefined, needs: Needs): string[] {
  const taken = takenBy(model, provider);
  const missing: string[] = needs.capabilities.filter((capability) => !model.capabilities.includes(capability));
  missing.push(...(needs.required ?? []).filter((name) => !taken.includes(name)));
  // Its API has no such choice, and fetches nothing.
  if (needs.mustCallTool && provider?.adapter === 'ollama') missing.push('tool_choice required');
  if (needs.imagesByUrl && provider?.adapter === 'ollama') missing.push('images by URL');
  if (needs.continuesAnswer && provider?.adapter === 'anthropic' && !model.capabilities.includes('prefill'))
    missing.push('prefill');
  if (!wantsVectors(needs) && model.capabilities.includes('embedding')) missing.push('chat');
  const tokens = needs.contextTokens + (needs.maxOutputTokens ?? 0);
  if (tokens > model.context_window) missing.push(`context for about ${tokens} tokens (has ${model.context_window})`);
  if (!model.capabilities.includes('embedding') && (needs.maxOutputTokens ?? 0) > model.max_output_tokens) {
    missing.push(`max_output_tokens ${needs.maxOutputTokens} (has ${model.max_output_tokens})`);
  }
  return missing;
}

/** The parameters that this model rejects or its API does not have, so that they are not sent. */
export function droppedParameters(model: ModelConfig, provider: Provider | undefined, needs: Needs): string[] {
  const taken = takenBy(model, provider);
  const dropped: string[] = needs.sampling.filter((name) => !taken.includes(name));
  return takesEffort(model, provider, needs.reasoningEffort) ? dropped : [...dropped, 'reasoning_effort'];
}

/** The sampling parameters that each API has: Anthropic's from 2026-10-21 on, OpenAI's Responses without seed and stop. */
const inApi: Record<string, readonly SamplingParameter[]> = {
  anthropic: ['stop'],
  responses: ['temperature', 'top_p'],
  chat_completions: samplingParameter.options,
  ollama: samplingParameter.options,
};

function takenBy({ capabilities, sampling = [] }: ModelConfig, provider: Provider | undefined): readonly SamplingParameter[] {
  const ofApi = inApi[provider?.adapter === 'openai' ? provider.api : (provider?.adapter ?? '')] ?? [];
  return capabilities.includes('sampling_params') ? ofApi : ofApi.filter((name) => sampling.includes(name));
}

/** Claude has no effort below low; Ollama's models that do not think refuse any. */
function takesEffort(model: ModelConfig, provider: Provider | undefined, effort: Needs['reasoningEffort']): boolean {
  if (effort === undefined) return true;
  if (provider?.adapter === 'ollama') return false;
  if (provider?.adapter === 'anthropic' && (effort === 'none' || effort === 'minimal')) return false;
  return model.reasoning_efforts?.includes(effort) ?? true;
}
