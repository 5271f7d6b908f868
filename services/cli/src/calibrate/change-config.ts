import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';

import type { ClassifierProfile, ScorerProfile } from '@upshift/contracts';
import type { FittedThresholds } from '@upshift/routing';
import { parseConfig } from '@upshift/runtime';
import { isAlias, isCollection, isMap, isPair, isScalar, parseDocument, stringify } from 'yaml';
import type { Document, Node, YAMLMap } from 'yaml';

import { CommandError, exitCode } from '../exit-code.ts';
import { writeWhole } from '../write-file.ts';

/** What calibration found, as keys of the configuration. */
export interface ConfigChange {
  /** Null where the scorer stays as it is. */
  profile: ScorerProfile | null;
  tiers: string[];
  /** Whether thresholds say too where jobs start. */
  starts: boolean;
  thresholds: FittedThresholds | null;
}

/** A key with its new value. */
interface Change {
  path: (string | number)[];
  value: unknown;
}

/** A piece of a text that is replaced. */
interface Edit {
  from: number;
  to: number;
  text: string;
}

/** Writes a configuration with the change in it. All else of the file stays as it is, to the letter, so that the change can be reviewed. */
export function writeChanged(config: string, out: string, { profile, ...change }: ConfigChange): void {
  const source = readFileSync(config, 'utf8');
  const document = parseDocument(source);
  const scorer = profile === null ? [] : [{ path: ['scorer', 'profile'], value: profile }];
  writeWhole(out, changed(document, source, [...thresholdChanges(document, change), ...scorer], config));
}

/** Writes a configuration with the classifier's profile in it, and all else to the letter. `out` may be the configuration itself. */
export function writeClassifierProfile(config: string, out: string, profile: ClassifierProfile): void {
  const source = readFileSync(config, 'utf8');
  const change = { path: ['classifier', 'profile'], value: profile };
  writeWhole(out, changed(parseDocument(source), source, [change], config));
}

/** Each threshold for itself, so that a list keeps its form and its comments. */
function thresholdChanges(document: Document, { tiers, starts, thresholds }: Omit<ConfigChange, 'profile'>): Change[] {
  if (thresholds === null) return [];
  const named = (document.toJS() as { tiers: { name: string }[] }).tiers.map(({ name }) => name);
  const accept = thresholds.acceptAt.map((value, index) => ({
    path: ['tiers', named.indexOf(tiers[index]!), 'accept_at'],
    value: rounded(value),
  }));
  if (!starts) return accept;
  return [
    ...accept,
    ...risingBelowOne(thresholds.startAt).map((value, index) => ({ path: ['classifier', 'thresholds', index], value })),
  ];
}

/** The text with the changes in it. Throws a `CommandError` where they would change anything else, as where an alias repeats a value. */
function changed(document: Document, source: string, changes: Change[], file: string): string {
  const edits = changes.map((change) => editOf(document, source, change));
  const text = edits
    .toSorted((a, b) => b.from - a.from)
    .reduce((all, edit) => all.slice(0, edit.from) + edit.text + all.slice(edit.to), source);
  if (saysJust(text, document, changes)) return text;
  throw new CommandError(
    `${file} is written in a way in which ${[...new Set(changes.map(({ path: [key] }) => key))].join(' and ')} can not be changed without touching anything else (aliases, perhaps); write it out, or change it by hand`,
    exitCode.refused,
  );
}

function saysJust(text: string, document: Document, changes: Change[]): boolean {
  // Written out: what aliases repeat is no longer one thing.
  const wanted = JSON.parse(JSON.stringify(document.toJS())) as object;
  for (const { path, value } of changes) put(wanted, path, value);
  try {
    return isDeepStrictEqual(parseConfig(text, 'changed'), parseConfig(JSON.stringify(wanted), 'wanted'));
  } catch {
    return false;
  }
}

function put(into: object, [key, ...rest]: Change['path'], value: unknown): void {
  const at = into as Record<string | number, unknown>;
  if (rest.length === 0) at[key!] = value;
  else put((at[key!] ??= {}), rest, value);
}

function editOf(document: Document, source: string, { path, value }: Change): Edit {
  const old = document.getIn(path, true);
  if (isScalar(old) || isAlias(old)) return { from: old.range![0], to: old.range![1], text: JSON.stringify(value) };
  const [section, name] = path as [string, string];
  const map = document.get(section, true);
  if (isMap(map)) return pairEdit(map, name, value, source);
  return sectionEdit(document, section, { [name]: value }, source);
}

/** In the place of the old pair, or after the last one. What is written in braces stays so. */
function pairEdit(map: YAMLMap, name: string, value: unknown, source: string): Edit {
  const old = map.items.find(({ key }) => isScalar(key) && key.value === name);
  const last = old ?? map.items.at(-1);
  if (last === undefined) return { from: map.range![0], to: map.range![1], text: `{ ${inBraces(name, value)} }` };
  const [start, end] = [(last.key as Node).range![0], endOf(last)];
  if (map.flow) return { from: old ? start : end, to: end, text: `${old ? '' : ', '}${inBraces(name, value)}` };
  const newLine = newLineOf(source) + ' '.repeat(start - source.lastIndexOf('\n', start) - 1);
  const text = inLines(name, value, newLine);
  if (old) return { from: start, to: end, text };
  // A comment behind the last pair stays there.
  const lineEnd = end + source.slice(end).search(/\r?\n|$/);
  return { from: lineEnd, to: lineEnd, text: newLine + text };
}

/** A section that the file does not have goes to its end. */
function sectionEdit(document: Document, name: string, value: unknown, source: string): Edit {
  const { contents } = document;
  if (isMap(contents) && contents.flow) return pairEdit(contents, name, value, source);
  const end = document.range![1];
  const newLine = newLineOf(source);
  const lineBefore = source[end - 1] === '\n' ? '' : newLine;
  return { from: end, to: end, text: lineBefore + newLine + inLines(name, value, newLine) + newLine };
}

function inBraces(name: string, value: unknown): string {
  return `${JSON.stringify(name)}: ${JSON.stringify(value)}`;
}

function inLines(name: string, value: unknown, newLine: string): string {
  return stringify({ [name]: value })
    .trimEnd()
    .replaceAll('\n', newLine);
}

function newLineOf(source: string): string {
  return source.includes('\r\n') ? '\r\n' : '\n';
}

/** Where something ends, without the comments that follow it. */
function endOf(node: unknown): number {
  if (isPair(node)) return endOf(node.value ?? node.key);
  if (isCollection(node) && !node.flow && node.items.length > 0) return endOf(node.items.at(-1));
  return (node as Node).range![1];
}

/**
 * Thresholds must rise and lie between 0 and 1. Of equal ones, between which nobody starts, the lower gives way: who starts above both then
 * goes on to. What is never reached stands at the end.
 */
export function risingBelowOne(startAt: number[]): number[] {
  return startAt.reduceRight<number[]>((above, value, index) => {
    const most = (above[0] ?? 1) - 0.001;
    return [rounded(Math.max((index + 1) / 1000, Math.min(most, value))), ...above];
  }, []);
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
