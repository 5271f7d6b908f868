import { readFileSync, writeFileSync } from 'node:fs';

import type { ClassifierProfile, ScorerProfile } from '@upshift/contracts';
import type { FittedThresholds } from '@upshift/routing';
import { isMap, isScalar, parseDocument, stringify } from 'yaml';
import type { Document, Node, Scalar, YAMLMap } from 'yaml';

/** What calibration found, as keys of the configuration. */
export interface ConfigChange {
  profile: ScorerProfile;
  tiers: string[];
  thresholds: FittedThresholds | null;
}

/** A piece of a text that is replaced. */
interface Edit {
  from: number;
  to: number;
  text: string;
}

/** Writes a configuration with the change in it. All else of the file stays as it is, to the letter, so that the change can be reviewed. */
export function writeChanged(config: string, out: string, change: ConfigChange): void {
  const source = readFileSync(config, 'utf8');
  const document = parseDocument(source);
  const edits = [...thresholdEdits(document, change), profileEdit(document, change.profile, source)];
  const changed = edits
    .toSorted((a, b) => b.from - a.from)
    .reduce((text, edit) => text.slice(0, edit.from) + edit.text + text.slice(edit.to), source);
  writeFileSync(out, changed);
}

/** Writes a configuration with the classifier's profile in it, and all else to the letter. `out` may be the configuration itself. */
export function writeClassifierProfile(config: string, out: string, profile: ClassifierProfile): void {
  const source = readFileSync(config, 'utf8');
  const { from, to, text } = classifierEdit(parseDocument(source), source, `profile: ${JSON.stringify(profile)}`);
  writeFileSync(out, source.slice(0, from) + text + source.slice(to));
}

/** In the place of the old profile, or after the last key of `classifier`, which every configuration has. */
function classifierEdit(document: Document, source: string, text: string): Edit {
  const classifier = document.get('classifier', true) as YAMLMap<Scalar, Node>;
  const old = classifier.items.find(({ key }) => key.value === 'profile');
  const { key, value } = old ?? classifier.items.at(-1)!;
  const [start, end] = [key.range![0], value!.range![1]];
  // A block ends with its line.
  const lineEnd = source[end - 1] === '\n' ? '\n' : '';
  if (old) return { from: start, to: end, text: text + lineEnd };
  if (classifier.flow) return { from: end, to: end, text: `, ${text}` };
  const indent = ' '.repeat(start - source.lastIndexOf('\n', start) - 1);
  return { from: end, to: end, text: `${lineEnd === '' ? '\n' : ''}${indent}${text}${lineEnd}` };
}

function thresholdEdits(document: Document, { tiers, thresholds }: ConfigChange): Edit[] {
  if (thresholds === null) return [];
  const named = (document.toJS() as { tiers: { name: string }[] }).tiers.map(({ name }) => name);
  const accept = thresholds.acceptAt.map((value, index) =>
    editOf(document, ['tiers', named.indexOf(tiers[index]!), 'accept_at'], String(rounded(value))),
  );
  if (tiers.length < named.length) return accept;
  return [...accept, editOf(document, ['classifier', 'thresholds'], `[${risingBelowOne(thresholds.startAt).join(', ')}]`)];
}

function editOf(document: Document, path: (string | number)[], text: string): Edit {
  const [from, to] = (document.getIn(path, true) as Node).range!;
  return { from, to, text };
}

/** In the place of the key `scorer`, or at the end of a file that has none. */
function profileEdit(document: Document, profile: ScorerProfile, source: string): Edit {
  const pair = isMap(document.contents)
    ? document.contents.items.find(({ key }) => isScalar(key) && key.value === 'scorer')
    : undefined;
  const old = (document.toJS() as { scorer?: object }).scorer ?? {};
  const text = stringify({ scorer: { ...old, profile } });
  if (pair === undefined)
    return { from: source.length, to: source.length, text: `${source.endsWith('\n') ? '' : '\n'}\n${text}` };
  return { from: (pair.key as Node).range![0], to: (pair.value as Node).range![2], text };
}

/** Thresholds must rise and lie below 1: what is never reached stands at the end. */
export function risingBelowOne(startAt: number[]): number[] {
  const most = (index: number): number => 1 - (startAt.length - index) / 1000;
  return startAt.reduce<number[]>(
    (all, value, index) => [...all, rounded(Math.min(most(index), Math.max(value, (all.at(-1) ?? 0) + 0.001)))],
    [],
  );
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
