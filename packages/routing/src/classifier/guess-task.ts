import { readPrompt } from './read-prompt.ts';
import { wordClasses } from './word-classes.ts';
import type { WordClass } from './word-classes.ts';

/** What kind of work a prompt asks for, by its words; null where none stands out. A guess for people: no rule goes by it. */
export function guessTask(prompt: string): string | null {
  const { classes, fences, options, numbers, questionMarks, words } = readPrompt(prompt);
  const count = (name: WordClass): number => classes[wordClasses.indexOf(name)] ?? 0;
  if (options.length >= 2) return 'multiple_choice';
  if (fences > 0 || count('code') >= 2) return 'code_generation';
  if (/\btranslat/i.test(prompt.slice(0, 2000))) return 'translation';
  if (/\bsummar/i.test(prompt.slice(0, 2000))) return 'summarization';
  if (/\bextract\b/i.test(prompt.slice(0, 2000))) return 'extraction';
  if (count('labels') > 0) return 'classification';
  if (numbers >= 2 && questionMarks > 0) return 'word_problem';
  return questionMarks > 0 && words < 60 ? 'question_answering' : null;
}
