import { hashOf } from './hash.ts';

/** Words that say something of the work asked, by class. What they weigh is trained; which words belong together is set by hand. */
const words = {
  shares:
    'percent percentage half third quarter fraction ratio double triple twice thrice times tenth fifth interest discount tax tip',
  rates: 'per each every apiece rate',
  comparisons: 'more less fewer than longer shorter older younger taller larger smaller greater most least',
  conditions: 'if unless only except without must exactly assuming suppose given whenever provided',
  remainders: 'remain remains remaining remainder left rest leftover another other others',
  averages: 'average mean median mode expected standard deviation variance',
  totals: 'total altogether combined sum all together overall',
  time: 'hour hours minute minutes day days week weeks weekly daily month months monthly year years yearly today tomorrow yesterday',
  weekdays: 'monday tuesday wednesday thursday friday saturday sunday weekend weekday',
  sequence: 'first second then after before next finally later until begins starts initially originally final',
  money:
    'dollar dollars cent cents cost costs price pay pays paid earn earns spend spends spent buy buys bought sell sells sold profit salary',
  distance: 'mile miles mph speed feet foot inch inches meter meters km kilometers distance',
  changes: 'increase increased increases decrease decreased reduced gives gave lost loses grows grew adds added',
  ages: 'age ages old',
  numbers: 'one two three four five six seven eight nine ten eleven twelve dozen hundred thousand million',
  questions: 'who when where why how',
  which: 'which following best likely correct true',
  negations: 'not except false incorrect never no neither nor none cannot least',
  combinations: 'both all none either above',
  statements: 'statement statements argument premise conclusion proposition',
  pronouns: 'he she his her him they their i my you your we our',
  science:
    'energy mass force velocity temperature pressure voltage current cell protein gene acid molecule equation theorem function matrix',
  law: 'court plaintiff defendant contract statute jury judge law liable negligence state constitution',
  code: 'function class return import def print code python javascript java sql regex algorithm array string list variable compile debug refactor',
  reasoning: 'prove derive explain compare analyze evaluate justify design implement optimize',
  labels: 'classify classification category categorize label sentiment',
  sources: 'extract summarize summary translate translation passage article text document rewrite',
} as const;

/** A class of words. */
export type WordClass = keyof typeof words;

/** The classes in the order of their counts. */
export const wordClasses = Object.keys(words) as WordClass[];

const classesOfWord = new Map<number, number[]>();
/** A bit per low end of a hash: most words of a prompt are in no class, and a look here is a tenth of one into the map. */
const LOW_END = 0xfff;
const mayHaveClasses = new Uint8Array(LOW_END + 1);
wordClasses.forEach((name, index) => {
  for (const word of words[name].split(' ')) {
    const hash = hashOf(word);
    classesOfWord.set(hash, [...(classesOfWord.get(hash) ?? []), index]);
    mayHaveClasses[hash & LOW_END] = 1;
  }
});

/** The classes, by their position, of the word with this hash. */
export function classesOf(hash: number): readonly number[] | undefined {
  return mayHaveClasses[hash & LOW_END] === 1 ? classesOfWord.get(hash) : undefined;
}
