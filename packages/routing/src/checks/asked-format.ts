import { parseJsonAnswer } from './parse-json.ts';
import { no, yes } from './finding.ts';
import type { Finding } from './finding.ts';

/** A form that prompts ask for, and what is wrong with an answer that has not got it; null where it has. */
interface Form {
  asked: RegExp;
  wrong: (text: string, asked: RegExpExecArray) => string | null;
}

const numbers = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];
const verbs = String.raw`\b(?:answer|reply|respond|return|output|give|provide|write|format|list|name|summari[sz]e|show|put|use|using|formatted)\b[^.?!\n]{0,60}?`;

const forms: Form[] = [
  {
    asked: form(String.raw`\bJSON\b`),
    wrong: (text) => (parseJsonAnswer(text) === undefined ? 'JSON was asked for, and it is not JSON' : null),
  },
  {
    asked: form(String.raw`\b(?:one|a single|1) word\b`),
    wrong: (text) => (wordsIn(text) > 1 ? `one word was asked for, and there are ${wordsIn(text)}` : null),
  },
  {
    asked: form(String.raw`\b(?:only|just|nothing but) (?:the |a |with )*(?:final )?number\b`),
    wrong: (text) => (/^[$€£]?-?\d[\d.,\s]*%?\.?$/.test(text.trim()) ? null : 'only a number was asked for, and there is more'),
  },
  {
    asked: form(String.raw`["'“]?yes["'”]? or ["'“]?no\b`),
    wrong: (text) => (/^\W*(?:yes|no)\b/i.test(text) ? null : 'yes or no was asked for, and it begins with neither'),
  },
  {
    asked: form(String.raw`\b(?:only|just) (?:with )?the letter\b`),
    wrong: (text) => (/^\W*[A-P]\W*$/i.test(text) ? null : 'only a letter was asked for, and there is more'),
  },
  {
    asked: /\b(?:at most|no more than|fewer than|less than|under|within|up to|maximum of) (\d{1,4}) words\b/i,
    wrong: (text, [, most]) =>
      wordsIn(text) > Number(most) ? `${wordsIn(text)} words, where at most ${most} were asked for` : null,
  },
  {
    asked:
      /\b(?:exactly )?(\d{1,2}|two|three|four|five|six|seven|eight|nine|ten) (?:short |brief |key |main )?(bullet points?|bullets|sentences)\b/i,
    wrong: (text, [, count = '', what = '']) => wrongCount(text, count, what),
  },
  {
    asked: form(String.raw`\b(?:bullet(?:ed)?|numbered) (?:list|points)\b`),
    wrong: (text) => (listItems(text) === 0 ? 'a list was asked for, and there is none' : null),
  },
  {
    asked: form(String.raw`\b(?:as|in) an? (?:markdown )?table\b`),
    wrong: (text) => ((text.match(/^[^\S\n]*\|.*\|/gm)?.length ?? 0) < 2 ? 'a table was asked for, and there is none' : null),
  },
];

function form(what: string): RegExp {
  return new RegExp(`${verbs}${what}`, 'i');
}

/** The answer has the form that its prompt asks for. Prompts are read at their ends, where instructions stand. */
export function askedFormat(prompt: string, text: string): Finding {
  const read = prompt.length > 2 * READ ? `${prompt.slice(0, READ)}\n${prompt.slice(-READ)}` : prompt;
  const asked = forms.flatMap(({ asked: pattern, wrong }) => {
    const match = pattern.exec(read);
    return match === null ? [] : [wrong(text, match)];
  });
  const wrong = asked.find((reason) => reason !== null);
  if (wrong !== undefined && wrong !== null) return no(wrong);
  return yes(asked.length === 0 ? 'no form was asked for' : 'has the form that was asked for');
}

const READ = 2000;

function wordsIn(text: string): number {
  return text.split(/\s+/).filter(Boolean).length;
}

function listItems(text: string): number {
  return text.match(/^[^\S\n]*(?:[-*•]|\d+[.)])\s+\S/gm)?.length ?? 0;
}

function wrongCount(text: string, asked: string, what: string): string | null {
  const wanted = numbers.indexOf(asked.toLowerCase()) === -1 ? Number(asked) : numbers.indexOf(asked.toLowerCase());
  const found = /bullet/i.test(what) ? listItems(text) : (text.match(/[.!?](?=\s|$)/g)?.length ?? 0);
  return found === wanted ? null : `${wanted} ${what} were asked for, and there are ${found}`;
}
