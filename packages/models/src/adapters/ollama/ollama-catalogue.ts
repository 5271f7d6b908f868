import type { PublishedModel } from '@upshift/contracts';
import type { Ollama } from 'ollama';

/** The models that the server has, with what it says of each that is asked for. A name without a tag means `latest`. */
export async function ollamaCatalogue(client: Ollama, names: string[]): Promise<PublishedModel[]> {
  const here = new Set((await client.list()).models.map(({ model }) => model));
  const models: PublishedModel[] = [];
  for (const name of names) if (here.has(name) || here.has(`${name}:latest`)) models.push(await published(client, name));
  return models;
}

async function published(client: Ollama, name: string): Promise<PublishedModel> {
  const { capabilities = [], model_info: info = {} } = (await client.show({ model: name })) as Partial<
    Awaited<ReturnType<Ollama['show']>>
  >;
  const length = Object.entries(info).find(([key]) => key.endsWith('.context_length'))?.[1];
  return {
    name,
    contextWindow: typeof length === 'number' ? length : null,
    maxOutputTokens: null,
    // Servers before 0.6.4 do not say.
    capabilities:
      capabilities.length === 0
        ? {}
        : {
            tools: capabilities.includes('tools'),
            vision: capabilities.includes('vision'),
            embedding: capabilities.includes('embedding'),
          },
    retiresAt: null,
  };
}
