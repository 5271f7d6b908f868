import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { parseConfig } from '@upshift/runtime';
import { afterAll, expect, test } from 'vitest';
import { parse } from 'yaml';

import { risingBelowOne, writeChanged, writeClassifierProfile } from '../../services/cli/src/calibrate/change-config.ts';

const directory = mkdtempSync(join(tmpdir(), 'upshift-change-'));
afterAll(() => rmSync(directory, { recursive: true }));

const shipped = readFileSync(new URL('../../upshift.config.yaml', import.meta.url), 'utf8');
const profile = { intercept: 0.1, slope: 1.1, features: {} };
const profileLines = '  profile:\n    intercept: 0.1\n    slope: 1.1\n    features: {}\n';
const thresholds = {
  acceptAt: [0.55, 0.61],
  startAt: [0.2, 0.5],
  quality: 1,
  cost: 1,
  qualityWithin: [1, 1] as [number, number],
};
const change = { profile, tiers: ['economy', 'standard', 'premium'], starts: true, thresholds };
const classifier = 'classifier:\n  thresholds: [0.3, 0.7]\n';

type Write = (config: string, out: string) => void;
const calibrates: Write = (config, out) => writeChanged(config, out, change);
const trains: Write = (config, out) => writeClassifierProfile(config, out, profile);

/** The shipped configuration with `written` in the place of its classifier. */
function withClassifier(written: string): string {
  return shipped.replace(classifier, written);
}

/** What a command makes of a configuration; it must be one. */
function written(source: string, write: Write): string {
  const [config, out] = [join(directory, 'config.yaml'), join(directory, 'out.yaml')];
  writeFileSync(config, source);
  write(config, out);
  const text = readFileSync(out, 'utf8');
  parseConfig(text, out);
  return text;
}

function calibrated(text: string): string {
  return text.replace('accept_at: 0.8', 'accept_at: 0.55').replace('accept_at: 0.7', 'accept_at: 0.61');
}

test.each([
  ['list', 'classifier:\n  thresholds: [0.3, 0.7] # mine\n', 'classifier:\n  thresholds: [0.2, 0.5] # mine\n'],
  [
    'list of lines that are not indented',
    'classifier:\n  thresholds:\n  - 0.3 # low\n  - 0.7 # high\n  type: trained\n',
    'classifier:\n  thresholds:\n  - 0.2 # low\n  - 0.5 # high\n  type: trained\n',
  ],
  [
    'list of lines before the next key',
    'classifier:\n  thresholds:\n    - 0.3\n    - 0.7\nintake: {}\n',
    'classifier:\n  thresholds:\n    - 0.2\n    - 0.5\nintake: {}\n',
  ],
  ['list in braces', 'classifier: { thresholds: [0.3, 0.7], }\n', 'classifier: { thresholds: [0.2, 0.5], }\n'],
])('calibrate changes thresholds that are written as a %s, and appends a scorer', (_, before, after) => {
  expect(written(withClassifier(before), calibrates)).toBe(`${calibrated(withClassifier(after))}\nscorer:\n${profileLines}`);
});

test.each([
  [
    'lines',
    'scorer:\n  # why\n  type: trained # keep\n\n# behind\n',
    `scorer:\n  # why\n  type: trained # keep\n${profileLines}\n# behind\n`,
  ],
  [
    'a profile in braces',
    'scorer:\n  profile: { intercept: 0, slope: 1 }\n  type: trained # keep\n',
    `scorer:\n${profileLines}  type: trained # keep\n`,
  ],
  [
    'a profile in lines',
    'scorer:\n  profile:\n    intercept: 0\n    slope: 1\n\n  # on the type\n  type: trained\n',
    `scorer:\n${profileLines}\n  # on the type\n  type: trained\n`,
  ],
  ['braces', 'scorer: { type: trained } # keep\n', `scorer: { type: trained, "profile": ${JSON.stringify(profile)} } # keep\n`],
  ['empty braces', 'scorer: {}\n', `scorer: { "profile": ${JSON.stringify(profile)} }\n`],
])('calibrate changes only the profile of a scorer that is written as %s', (_, before, after) => {
  const file = (scorer: string): string => shipped.replace('rules:\n', `${scorer}# On rules\nrules:\n`);
  expect(written(file(before), (config, out) => writeChanged(config, out, { ...change, thresholds: null }))).toBe(file(after));
});

test.each([
  ['lines', classifier, `${classifier}${profileLines}`],
  ['lines with a comment', `${classifier.trimEnd()} # mine\n`, `${classifier.trimEnd()} # mine\n${profileLines}`],
  [
    'an old profile',
    `${classifier}  profile:\n    intercept: 0\n    slope: 2\n  # on the type\n  type: trained\n`,
    `${classifier}${profileLines}  # on the type\n  type: trained\n`,
  ],
])('train changes only the profile of a classifier that is written as %s', (_, before, after) => {
  expect(written(withClassifier(before), trains)).toBe(withClassifier(after));
});

test('line ends stay as they are, and nothing is written behind the end of the document', () => {
  const windows = shipped.replaceAll('\n', '\r\n');
  for (const write of [calibrates, trains]) {
    expect(written(windows, write)).toBe(written(shipped, write).replaceAll('\n', '\r\n'));
    expect(written(`${shipped}...\n`, write)).toBe(`${written(shipped, write)}...\n`);
    expect(written(`---\n${shipped}`, write)).toBe(`---\n${written(shipped, write)}`);
    expect(written(shipped.trimEnd(), write)).toContain(profileLines);
  }
});

test('a configuration that is written as JSON stays JSON', () => {
  const text = written(JSON.stringify(parse(shipped), null, 2), (config, out) => {
    calibrates(config, out);
    trains(out, out);
  });
  expect(JSON.parse(text)).toEqual(parse(written(written(shipped, calibrates), trains)));
});

test('where a change would touch something else, nothing is written and what to change is said', () => {
  const shared = `${shipped.replace('accept_at: 0.8', 'accept_at: &share 0.8')}learning: { labels_days: *share }\n`;
  expect(() => written(shared, calibrates)).toThrow(/config\.yaml .* tiers and classifier and scorer can not be changed/);
});

test.each([
  [
    [0.5, 0.5],
    [0.499, 0.5],
  ],
  [
    [0, 0, 0.0001],
    [0.001, 0.002, 0.003],
  ],
  [
    [0.4, 1.01, 1.01],
    [0.4, 0.998, 0.999],
  ],
  [[0.9999], [0.999]],
])('who is to start above a tier that nobody starts at goes on to do so: %j', (startAt, then) => {
  expect(risingBelowOne(startAt)).toEqual(then);
});
