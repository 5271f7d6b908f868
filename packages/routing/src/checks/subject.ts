import type { ScorerProfile, UnifiedResponse } from '@upshift/contracts';

/** What checks look at. */
export interface Subject {
  prompt: string;
  answer: UnifiedResponse;
  /** Further answers of cheap models to the same prompt. */
  others: string[];
  /** What would be said if so many more came to the same, or to something else. */
  imagined: { agreeing: number; differing: number };
  profile: ScorerProfile | null;
}

export function subjectOf(prompt: string, answer: UnifiedResponse, changes: Partial<Subject> = {}): Subject {
  return { prompt, answer, others: [], imagined: { agreeing: 0, differing: 0 }, profile: null, ...changes };
}

/** Whether an answer has no text that a check, or a judge, could look at. */
export function callsToolsOnly({ text, toolCalls }: UnifiedResponse): boolean {
  return text.trim() === '' && toolCalls.length > 0;
}
