import type { JobEvent, JobState } from '@upshift/contracts';
import { isTerminal } from '@upshift/contracts';

import type { Facts } from '../facts.ts';
import { answered, callFailed, placeDenied, retryDeferred, sent } from './calls.ts';
import { accepted, classified, classifyRequested } from './classification.ts';
import { draftOf } from './draft.ts';
import type { Decision, Draft } from './draft.ts';
import { hedgeDue } from './hedging.ts';
import { cancelled, deadlinePassed, stepCrashed, stepLost } from './interruptions.ts';
import { armTakenBack, holdReleased } from './holding.ts';
import { answerVerified, judgeRequested, sampleRequested } from './opinions.ts';
import { judged, verdictArrivedLate } from './verdicts.ts';

export type { Command, Decision } from './draft.ts';

/**
 * The heart of Upshift: what happens to a job when something happens to it. Pure: the same job, event and facts always
 * give the same decision. An event that no longer applies (a duplicate, a late twin) gives the same job and no commands.
 */
export function decide(job: JobState, event: JobEvent, facts: Facts): Decision {
  const draft = draftOf(job, facts);
  if (applies(draft.job, event)) react(draft, event);
  return { job: draft.job, trail: draft.trail, commands: draft.commands };
}

/** A call that was sent before the end is settled after it, because it costs money; nothing else reaches a job that has ended. */
function applies(job: JobState, event: JobEvent): boolean {
  if (event.type === 'verdict-arrived-late') return event.revision === job.revision;
  if (event.type === 'answered' || event.type === 'call-failed') return job.attempts[event.attempt - 1]?.state === 'sent';
  // What was seen of an earlier queue entry says nothing of this one.
  if (event.type === 'sent' || event.type === 'step-lost' || event.type === 'step-crashed')
    return !isTerminal(job.status) && event.epoch === job.epoch;
  return !isTerminal(job.status);
}

function react(draft: Draft, event: JobEvent): void {
  switch (event.type) {
    case 'accepted':
      return accepted(draft);
    case 'classify-requested':
      return classifyRequested(draft);
    case 'classified':
      return classified(draft, event.classification);
    case 'sent':
      return sent(draft, event.attempt);
    case 'answered':
      return answered(draft, event);
    case 'call-failed':
      return callFailed(draft, event);
    case 'place-denied':
      return placeDenied(draft, event);
    case 'retry-deferred':
      return retryDeferred(draft, event);
    case 'hedge-due':
      return hedgeDue(draft, event);
    case 'judge-requested':
      return judgeRequested(draft, event);
    case 'sample-requested':
      return sampleRequested(draft, event);
    case 'answer-verified':
      return answerVerified(draft, event);
    case 'judged':
      return judged(draft, event.attempt, event.verdict);
    case 'cancelled':
      return cancelled(draft);
    case 'deadline-passed':
      return deadlinePassed(draft);
    case 'step-lost':
      return stepLost(draft, event.reason);
    case 'step-crashed':
      return stepCrashed(draft, event.reason);
    case 'hold-released':
      return holdReleased(draft);
    case 'arm-taken-back':
      return armTakenBack(draft, event.reason);
    case 'verdict-arrived-late':
      return verdictArrivedLate(draft, event.verdict);
  }
}
