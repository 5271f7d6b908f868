import type { JobState, Needs } from '@upshift/contracts';

/** Whether vectors are wanted: they are of one model, because each has a space of its own, and nobody judges them. */
export function wantsVectors({ capabilities }: Pick<Needs, 'capabilities'>): boolean {
  return capabilities.includes('embedding');
}

/** Whether one of several models may answer a job: not where the job names it, nor where it makes vectors. */
export function mayChoose({ pinnedModel, needs }: Pick<JobState, 'pinnedModel' | 'needs'>): boolean {
  return pinnedModel === null && !wantsVectors(needs);
}
