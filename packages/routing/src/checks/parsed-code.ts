import { parse } from '@babel/parser';
import type { CodeLanguage } from '@upshift/contracts';
import { loadModule, parseSync } from 'libpg-query';

import { fencedBlocks } from './fenced-blocks.ts';
import { no, yes } from './finding.ts';
import type { Finding } from './finding.ts';
import { parseJsonAnswer } from './parse-json.ts';

const byTag: Partial<Record<string, CodeLanguage>> = {
  json: 'json',
  js: 'javascript',
  javascript: 'javascript',
  jsx: 'javascript',
  mjs: 'javascript',
  ts: 'typescript',
  typescript: 'typescript',
  tsx: 'typescript',
  sql: 'sql',
  postgres: 'sql',
  postgresql: 'sql',
};
/** What their own SQL adds is no mistake: read only where SQL is asked for. */
const dialects = ['mysql', 'sqlite'];

/** PostgreSQL's own parser is WebAssembly, which loads in some 40 ms: whoever runs the check `code` waits for it once. */
export async function loadParsers(): Promise<void> {
  await loadModule();
}

/** More characters of code than this are not parsed. */
const LONGEST = 200_000;

/**
 * The code of an answer parses: its fenced blocks in languages that are known, or, where a language is given and no block is
 * fenced, all of it.
 */
export function parsedCode(text: string, language?: CodeLanguage): Finding {
  const blocks = blocksOf(text, language);
  if (blocks.length === 0)
    return language === undefined ? yes('no code of a language that is parsed') : no(`there is no ${language}`);
  const read = blocks.filter(isRead);
  if (read.length === 0) return yes('SQL with more signs in a row than are parsed');
  for (const block of read) {
    if (block.code.length > LONGEST) return no(`${block.code.length} characters of ${block.language} are more than is parsed`);
    const problem = problemOf(block);
    if (problem !== null) return no(`${block.language} does not parse: ${problem}`);
  }
  return yes(read.length === 1 ? 'the code parses' : `${read.length} blocks of code parse`);
}

interface Block {
  language: CodeLanguage;
  code: string;
}

function blocksOf(text: string, language?: CodeLanguage): Block[] {
  const all = fencedBlocks(text);
  const fenced = all.flatMap(({ info, code, isClosed }) => {
    const tag = /^[\w+-]*/.exec(info)![0].toLowerCase();
    const isAsked = tag === '' || (language === 'sql' && dialects.includes(tag));
    const known = byTag[tag] ?? (isAsked ? language : undefined);
    return isClosed && known !== undefined && (language === undefined || known === language) ? [{ language: known, code }] : [];
  });
  if (fenced.length > 0 || language === undefined || text.trim() === '') return fenced;
  return all.length > 0 || text.includes('```') ? [] : [{ language, code: text }];
}

/** More signs of operators in a row than anybody writes, be it a line of dashes in a comment. */
const LONGEST_RUN = 500;

/** PostgreSQL's scanner looks through the rest of such a run again from each of its signs. */
function isRead({ language, code }: Block): boolean {
  return language !== 'sql' || (code.match(/[~!@#^&|`?+\-*/%<>=]+/g) ?? []).every((run) => run.length <= LONGEST_RUN);
}

/** What a parser says against code; null where it parses. */
function problemOf({ language, code }: Block): string | null {
  try {
    if (language === 'json') return parseJsonAnswer(code) === undefined ? 'not JSON' : null;
    if (language === 'sql') parseSql(code);
    else parseScript(code, language);
    return null;
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).slice(0, 200);
  }
}

/** Pieces of programs count too: a `return` or an `await` may stand outside of a function. JSX and TypeScript's `<T>x` exclude each other. */
function parseScript(code: string, language: 'javascript' | 'typescript'): void {
  const options = {
    sourceType: 'unambiguous',
    allowReturnOutsideFunction: true,
    allowAwaitOutsideFunction: true,
    allowSuperOutsideMethod: true,
    allowUndeclaredExports: true,
  } as const;
  // Stage 3's may not stand at parameters, where Angular and Nest have them.
  if (language === 'javascript') return void parse(code, { ...options, plugins: ['jsx', 'decorators'] });
  try {
    parse(code, { ...options, plugins: ['typescript', 'decorators-legacy'] });
  } catch (error) {
    if (!/<\/|\/>/.test(code)) throw error;
    parse(code, { ...options, plugins: ['typescript', 'decorators-legacy', 'jsx'] });
  }
}

/** As it stands first: where PostgreSQL has an operator `?` or `%`, it is no placeholder. */
function parseSql(code: string): void {
  try {
    parseSync(code);
  } catch {
    parseSync(withoutDialect(code));
  }
}

/** SQL is parsed as PostgreSQL's; what MySQL, SQLite and drivers only write differently is let pass. */
function withoutDialect(sql: string): string {
  return sql
    .replaceAll('`', '"')
    .replaceAll(/(?<=[\s(,=<>])(?:\?|%s|%\(\w+\)s|:[a-z_]\w*)(?=[\s),;]|$)/gi, '$$1')
    .replaceAll(/\bAUTO_?INCREMENT\b/gi, '');
}
