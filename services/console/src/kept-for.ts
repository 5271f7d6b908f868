/** What is read at most once in so many ms, for all who ask meanwhile. A reading that failed is not kept. */
export function keptFor<Value>(keptMs: number, read: () => Promise<Value>): () => Promise<Value> {
  let kept: { reading: Promise<Value>; untilMs: number } | null = null;
  return async () => {
    const now = Date.now();
    if (kept === null || now >= kept.untilMs) kept = { reading: read(), untilMs: now + keptMs };
    const mine = kept;
    try {
      return await mine.reading;
    } catch (error) {
      if (kept === mine) kept = null;
      throw error;
    }
  };
}
