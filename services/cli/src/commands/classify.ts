import { classifyLine } from '@upshift/contracts';
import { bareFacts, classifierOf, guessDomain, guessTask } from '@upshift/routing';

import { answerLines } from './answer-lines.ts';

/** Says of prompts how complex they are, a JSON line each, in their order. */
export function classify(file: string | undefined): Promise<number> {
  const trained = classifierOf('trained');
  return answerLines(file, classifyLine, '{"prompt": "…"}', ({ prompt }) => {
    const { complexity, confidence } = trained(bareFacts(prompt));
    return { complexity, confidence, task: guessTask(prompt), domain: guessDomain(prompt) };
  });
}
