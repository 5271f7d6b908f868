/** A choice that a prompt lists. */
export interface Option {
  /** `A` to `P`. */
  letter: string;
  text: string;
}

/** `A. Paris`, `B) Rome`, `(C) Oslo`, `(D): Bern`, `- **E.** Kyiv`, each on a line of its own. */
const optionLine = /^[ \t]*(?:[-*] )?\**\(?([A-P])[).:]{1,2}\**[ \t]+(.+)$/gm;

/** As many as there are letters. */
const MOST_OPTIONS = 16;
/** Characters of an option that are compared. */
const LONGEST_OPTION = 400;

/** The choices that a prompt lists, in their order, the first being `A`; none where it lists fewer than two. */
export function optionsOf(prompt: string): Option[] {
  const found = [...prompt.matchAll(optionLine)].map(([, letter = '', text = '']) => ({
    letter,
    text: text.slice(0, LONGEST_OPTION).trim(),
  }));
  // Of several lists (worked examples before the question) the last one is asked about.
  const start = found.findLastIndex(({ letter }) => letter === 'A');
  const options = start === -1 ? [] : found.slice(start, start + MOST_OPTIONS);
  return options.length >= 2 ? options : [];
}
