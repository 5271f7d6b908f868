/** What a check finds: whether the answer passes, and why in words; `score` where it is neither 0 nor 1. */
export interface Finding {
  passed: boolean;
  reason: string;
  score?: number;
}

export function yes(reason: string): Finding {
  return { passed: true, reason };
}

export function no(reason: string, score = 0): Finding {
  return { passed: false, reason, score };
}
