/** Says what fails, with what is known of it, and why. */
export type FailureLog = (what: string, fields: object, error: unknown) => void;

/** What fails in the same way goes on saying so, but not at each try, which may come several times a second. In ms. */
const SAID_AGAIN_AFTER_MS = 60_000;

/** Says each failure once a minute, and one that is another, or has another reason, at once. */
export function createFailureLog(say: (fields: object, what: string) => void): FailureLog {
  const said = new Map<string, number>();
  return (what, fields, error) => {
    const now = performance.now();
    for (const [earlier, atMs] of said) if (now >= atMs + SAID_AGAIN_AFTER_MS) said.delete(earlier);
    const reason = String(error);
    const failure = JSON.stringify([what, fields, reason]);
    if (said.has(failure)) return;
    said.set(failure, now);
    say({ ...fields, reason }, what);
  };
}
