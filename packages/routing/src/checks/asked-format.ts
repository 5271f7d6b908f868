import { endsOf } from './ends-of.ts';
import { parseJsonAnswer } from './parse-json.ts';
import { no, yes } from './finding.ts';
import type { Finding } from './finding.ts';
import { tens, units, valueOfWords } from './numbers-told.ts';

/** A form that prompts ask for, and what is wrong with an answer that has not got it; null where it has. */
interface Form {
  asked: Pick<RegExp, 'exec'>;
  wrong: (text: string, asked: RegExpExecArray) => string | null;
}

const verb = String.raw`(?:answer|reply|respond|return|output|give|provide|write|format|list|name|summari[sz]e|show|put|use|using|formatted|keep|limit|be)`;
/** What comes before the `to` of a wish. */
const told = String.raw`(?:\b(?:want|need|like|ask|asking|expect) you|(?<!\b(?:how|why|when|where|if|do|that) )\byou (?:need|have)|\b(?:sure|remember))`;
/** What is denied, or told of somebody else, is not asked for. */
const asking = String.raw`\b(?<!(?:\b(?:not|never|without|avoid|how|that|which)|n['’]t)\s|(?<!${told} )\bto\s)${verb}\b`;
/** Words after which the form is that of something else than the answer: of a program, of what a table holds, of each of many. */
const elsewhere = String.raw`(?:not|no|never|without|avoid|instead|than|how|that|which|each|every|per|scripts?|functions?|program|code|query|sql|class|rows?|columns?|keys?)`;
const between = String.raw`(?:(?!\b${elsewhere}\b)[^.?!\n]){0,60}?`;
const notOfEach = String.raw`(?![^.?!\n]{0,40}\b(?:each|every|per)\b)`;

function form(what: string): RegExp {
  return new RegExp(`${asking}${between}${what}`, 'i');
}

const adjectives = String.raw`(?:(?:me|back|only|just|an?|the|one|single|valid|raw|strict|plain|following|your|answer)\s){0,5}`;
const JSON_ENDS = String.raw`JSON(?=\W*$|\.(?!\w)|[,:;!?)"'\`\n]|\s(?:object|array|list|format|only|with|that|and|matching|response|string|document|containing|of|like|where|in|using|or)\b)`;

// The longer word first: `six` begins `sixteen`.
const unit = `(?:${units.toReversed().join('|')})`;
const count = String.raw`(\d{1,4}|(?:${tens.join('|')})(?:[ -]${unit})?|${unit})`;
const mostly = String.raw`(at most|no more than|not more than|up to|within|(?:a )?max(?:imum)?(?: of)?)`;
const below = String.raw`(fewer than|less than|under|below)`;
const atLeast = String.raw`(at least|no fewer than|no less than|(?:a )?min(?:imum)?(?: of)?|more than)`;
/** So many, or a bound, or two: what it counts stands behind it. */
const amount = String.raw`\b(?<!\b(?:these|those|the|following|first|last|about|around|roughly|approximately|given|next|or|hundred|thousand|hundred and|thousand and) )(?:${mostly} |${below} |${atLeast} |exactly |between )?\b(?<!\d[., ])${count}(?:\s?(?:-|–|to|or|(?<=\bbetween \S+ )and)\s?${count})?`;
/** The bound may stand behind what is counted too. */
const mostBehind = String.raw`(?: or (?:less|fewer)| at most| max(?:imum)?\b| tops\b)`;
const leastBehind = String.raw`(?: or more| at least| min(?:imum)?\b)`;
const opening = String.raw`(?:${asking}${between}|\b(?:explain|describe|say|tell)\b${between}\bin |(?:^|[.?!:;,(\n]) ?(?:in )?)`;

const COUNTED = new RegExp(
  `${opening}${amount}[ -](?:short |brief |key |main |concise |full |complete )?(words|sentences|bullet points|bullets)\\b(${mostBehind})?(${leastBehind})?${notOfEach}(?!\\s(?:is|are|was|were|has|have)\\b)`,
  'gi',
);
const AMOUNTS = new RegExp(
  String.raw`\b${count}[ -](?:[\w-]+ ){0,2}?(?:words?|sentences?|bullets?|paragraphs?|lines?|for)\b`,
  'gi',
);
/** Beside them a count is that of a part of the answer. */
const PARTS = /\b(?:paragraphs|stanzas|sections|titles?|subject|head(?:ing|line)s?|followed by|sentences (?:of|under|below))\b/i;

/** The count that the whole answer is asked to have; null also where more than one is asked for, for then each is that of a part. */
function countAsked(prompt: string): RegExpExecArray | null {
  const [first, second] = prompt.matchAll(COUNTED);
  if (first === undefined || second !== undefined) return null;
  const sentence = sentenceAround(first);
  return PARTS.test(sentence) || (sentence.match(AMOUNTS)?.length ?? 0) > 1 ? null : first;
}

function sentenceAround({ input, index }: RegExpExecArray): string {
  // What has matched may begin with the end of the sentence before.
  const [before, after] = [input.slice(0, index + 1), input.slice(index + 1)].map((text) => text.split(/[.?!\n]/));
  return `${before!.at(-1)}${after![0]}`;
}

const forms: Form[] = [
  {
    asked: new RegExp(
      `${asking}\\s(?:${adjectives}(?:(?:with|in|as)\\s)?${adjectives}|${between}\\b(?:as|in)\\s${adjectives})${JSON_ENDS}`,
      'i',
    ),
    wrong: (text) => (parseJsonAnswer(text) === undefined ? 'JSON was asked for, and it is not JSON' : null),
  },
  {
    asked: form(String.raw`\b(?:one|a single|1) word\b(?!\s(?:that|which|for|from)\b)${notOfEach}`),
    wrong: (text) => (wordsIn(text) > 1 ? `one word was asked for, and there are ${wordsIn(text)}` : null),
  },
  {
    asked: form(String.raw`\b(?:only|just|nothing but) (?:the |a |with )*(?:final )?number\b`),
    // Of LaTeX the commands are no words.
    wrong: (text) =>
      /\d/.test(text) && !/\p{L}/u.test(text.replaceAll(/\\[a-z]+/gi, ''))
        ? null
        : 'only a number was asked for, and there is more',
  },
  {
    // In another language they are other words.
    asked: form(String.raw`["'“]?yes["'”]? or ["'“]?no\b(?!["'”]?\sin\b)${notOfEach}`),
    wrong: (text) => (/^\W*(?:yes|no)\b/i.test(text) ? null : 'yes or no was asked for, and it begins with neither'),
  },
  {
    asked: form(String.raw`\b(?:only|just) (?:with )?the letter\b`),
    wrong: (text) => (/^\W*[A-P]\W*$/i.test(text) ? null : 'only a letter was asked for, and there is more'),
  },
  { asked: { exec: countAsked }, wrong: wrongCount },
  {
    asked: form(String.raw`\b(?:bullet(?:ed)?|numbered) (?:list|points)\b`),
    wrong: (text) => (itemsIn(text).most === 0 ? 'a list was asked for, and there is none' : null),
  },
  {
    asked: form(String.raw`\b(?:as|in) an? (?:markdown )?table\b`),
    wrong: (text) => (isTable(text) ? null : 'a table was asked for, and there is none'),
  },
];

/** The answer has the form that its prompt asks for. Prompts are read at their ends. */
export function askedFormat(prompt: string, text: string): Finding {
  const read = endsOf(prompt, READ);
  const asked = forms.flatMap(({ asked: pattern, wrong }) => {
    const match = pattern.exec(read);
    return match === null ? [] : [wrong(text, match)];
  });
  const wrong = asked.find((reason) => reason !== null);
  if (wrong !== undefined && wrong !== null) return no(wrong);
  return yes(asked.length === 0 ? 'no form was asked for' : 'has the form that was asked for');
}

const READ = 2000;

function isTable(text: string): boolean {
  // Without bars at the sides the line below the head tells it.
  return (text.match(/^[^\S\n]*\|.*\||<tr\b/gim)?.length ?? 0) > 1 || /^[^\S\n]*\+?:?-+:?[^\S\n]*[|+][^\S\n]*:?-/m.test(text);
}

function wordsIn(text: string): number {
  return text.split(/\s+/).filter(Boolean).length;
}

/** How many there are: not always can it be told for sure. */
interface Range {
  least: number;
  most: number;
}

/** `-`, `1.`, also in bold; and, without a mark that is kept, signs that may stand at a line of prose too: `✅`, `1️⃣`, `<li>`. */
const ITEM =
  /^([^\S\n]*)(?:\*\*|__)?(?:([-*•●·‣◦▪+–]|\d+\\?[.)])(?:\*\*|__)?\s|(?:\p{So}|\d\ufe0f?\u20e3)\ufe0f?\s|<li\b[^>\n]*>)\s*\S/gmu;

/** At least those of the outermost list, at most those in lists inside of it too. */
function itemsIn(text: string): Range {
  const items = [...text.matchAll(ITEM)];
  const indents = items.flatMap(([, indent = '', mark]) => (mark === undefined ? [] : [indent.length]));
  const outermost = indents.reduce((least, indent) => Math.min(least, indent), Infinity);
  return { least: indents.filter((indent) => indent === outermost).length, most: items.length };
}

/** More characters than the sentences have that anybody asks for a number of. */
const READ_OF_ANSWER = 20_000;
const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' });

/** At least those that end as sentences and in no short name, which may be an abbreviation (`Dr.`); at most all lines and pieces of them. */
function sentencesIn(text: string): Range {
  const pieces = Array.from(segmenter.segment(text.slice(0, READ_OF_ANSWER)), ({ segment }) => segment).filter((piece) =>
    /\p{L}/u.test(piece),
  );
  const sure = pieces.filter(
    (piece) => /[.!?…。！？]\P{L}*$/u.test(piece) && !/\b(?:\p{Lu}\p{L}{0,3}|\p{Ll})\.\s*$/u.test(piece),
  );
  return { least: sure.length, most: text.length > READ_OF_ANSWER ? Infinity : pieces.length };
}

function numberOf(told: string): number {
  return /\d/.test(told) ? Number(told) : valueOfWords(told);
}

interface Bounds extends Range {
  what: string;
  /** Said to be one, or two. */
  isBound: boolean;
}

/** What `COUNTED` has matched. */
function bounds([, upper, under, lower, first = '', second, what = '', upperBehind, lowerBehind]: RegExpExecArray): Bounds {
  const [one, other] = [numberOf(first), numberOf(second ?? first)];
  if ((lower ?? lowerBehind) !== undefined) return { what, least: one, most: Infinity, isBound: false };
  if (under !== undefined) return { what, least: 0, most: other - 1, isBound: true };
  const isUpper = (upper ?? upperBehind) !== undefined;
  return { what, least: isUpper ? 0 : one, most: other, isBound: isUpper || second !== undefined };
}

function wrongCount(text: string, asked: RegExpExecArray): string | null {
  const { what, least, most, isBound } = bounds(asked);
  if (/^words$/i.test(what)) {
    const words = wordsIn(text);
    return isBound && words > most ? `${words} words, where at most ${most} were asked for` : null;
  }
  const found = /^sentences$/i.test(what) ? sentencesIn(text) : itemsIn(text);
  if (found.most >= least && found.least <= most) return null;
  const wanted =
    least === most ? most : most === Infinity ? `at least ${least}` : least === 0 ? `at most ${most}` : `${least} to ${most}`;
  const name = /^sentences$/i.test(what) ? 'sentences' : 'bullet points';
  return `${wanted} ${name} were asked for, and there are ${found.least > most ? found.least : found.most}`;
}
