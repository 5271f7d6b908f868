import { classifyLine } from '@upshift/contracts';
import { classifierOf, guessDomain, guessTask } from '@upshift/routing';

import { answerLines } from './answer-lines.ts';

/** Says of prompts how complex they are, a JSON line each, in their order. */
export function classify(file: string | undefined): Promise<number> {
  const trained = classifierOf('trained');
  return answerLines(file, classifyLine, '{"prompt": "…"}', ({ prompt }) => {
    const { complexity, confidence } = trained({ prompt, systemPrompt: '', task: null, structured: false, tools: 0 });
    return { complexity, confidence, task: guessTask(prompt), domain: guessDomain(prompt) };
  });
}
