/** Runs a round several times: ours and the reference in turn, so that a noisy minute hits both. */
export type Rounds = (round: () => Promise<void>) => Promise<void>;

export function roundsOf(count: number, told: (done: number, of: number) => void): Rounds {
  return async (round) => {
    for (let done = 0; done < count; done += 1) {
      told(done, count);
      await round();
    }
    told(count, count);
  };
}
