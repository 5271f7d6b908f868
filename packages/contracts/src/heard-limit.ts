/** What a vendor says of one of its limits with an answer, be it an error. */
export interface HeardLimit {
  unit: 'requests' | 'tokens';
  /** What the limit gives in its whole time, and how much of that is left. */
  limit: number;
  remaining: number;
  /** Ms until all of it is there again. */
  resetMs: number;
}
