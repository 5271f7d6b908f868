import { numbersOf } from './read-final.ts';
import { count, flag, log } from './counts.ts';

/** What can be seen of a prompt alone. */
export function promptFeatures(prompt: string) {
  const words = prompt.match(/\S+/g) ?? [];
  return {
    prompt_words: log(words.length),
    prompt_numbers: log(numbersOf(prompt).length),
    prompt_sentences: log(count(prompt, /[.!?](\s|$)/g)),
    prompt_rates: log(count(prompt, /\b(per|each|every|a (day|week|month|year|hour|minute|piece|dozen))\b/gi)),
    prompt_multiples: log(count(prompt, /\b(twice|double|triple|thrice|times|as (many|much|old|long|tall))\b/gi)),
    prompt_fractions: log(count(prompt, /%|percent|\bhalf\b|\bthird|\bquarter|\bfifth|\d\/\d|fraction|ratio/gi)),
    prompt_compares: log(count(prompt, /\b(more|less|fewer|older|younger|taller|longer|than|difference|remaining|rest)\b/gi)),
    prompt_conditions: log(count(prompt, /\b(if|when|unless|until|after|before|except|but|only|instead|then)\b/gi)),
    // Not over lines: of many empty ones each would be read to the last.
    prompt_options: log(count(prompt, /(^|\n)[^\S\n]*\(?[A-P][).:]\s/g)),
    prompt_not: flag(/\b(not|except|least|false|incorrect)\b/i.test(prompt)),
    prompt_formula: log(count(prompt, /[\\^=∫∑√π{}]/g)),
    prompt_long_words: log(words.filter((word) => word.length > 9).length),
    prompt_money: log(count(prompt, /\$|\b(cost|price|pay|earn|spend|sell|profit|discount|dollars?|cents?)\b/gi)),
    prompt_time: log(count(prompt, /\b(hours?|minutes?|days?|weeks?|months?|years?|seconds?|speed|mph|age)\b/gi)),
    prompt_remaining: flag(/\b(left|remain(s|ing)?|rest)\b/i.test(prompt)),
    asks_count: flag(/\bhow many\b/i.test(prompt)),
    asks_amount: flag(/\bhow (much|long|far|old|tall)\b/i.test(prompt)),
    asks_share: flag(/\b(what|which) (percent|percentage|fraction|share)\b/i.test(prompt)),
  };
}
