/** The prompt of every job of the bench: 1 KB, with a number so that no two are equal. The rule for its task starts it at economy. */
export function prompt(index: number): string {
  return `Ticket ${index}: ${'the delivery was late again and the box was open. '.repeat(20)}`.padEnd(1024).slice(0, 1024);
}

/** The body of a job, as a client writes it. */
export function body(index: number): object {
  return { task: 'classification', input: { prompt: prompt(index) }, checks: [{ type: 'length', min_words: 1, max_words: 100 }] };
}

/** What the stub answers. */
export const answer = 'late';
