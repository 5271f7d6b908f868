/** What the command line ends with, for scripts. */
export const exitCode = {
  ok: 0,
  /** A job did not complete, or a configuration can not be used. */
  failed: 1,
  /** Bad arguments, or a request that the API refuses. */
  refused: 2,
  /** The API can not be reached, can not take the request now, or has no answer yet. */
  unavailable: 3,
} as const;

export const exitCodesHelp = `
Exit codes: 0 done; 1 a job did not complete, or a configuration can not be used; 2 bad arguments, or refused by the API;
3 the API can not be reached or can not take it now, or a wait has run out; 130 interrupted.`;

/** Ends the command with a message for people and a code for scripts. */
export class CommandError extends Error {
  readonly code: number;

  constructor(message: string, code: number) {
    super(message);
    this.code = code;
  }
}
