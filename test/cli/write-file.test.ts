import { chmodSync, lstatSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeEach, expect, test } from 'vitest';

import { writeWhole } from '../../services/cli/src/write-file.ts';
import { temporaryDirectory } from '../temporary-directory.ts';

let directory: string;
beforeEach(() => void (directory = temporaryDirectory()));

test('a file that is written anew is the same to others: who may read and write it, and by which links', () => {
  const [file, link] = [join(directory, 'file'), join(directory, 'link')];
  writeFileSync(file, 'old', { mode: 0o600 });
  chmodSync(file, 0o666);
  symlinkSync(file, link);
  writeWhole(link, 'new');
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(file, 'utf8')).toBe('new');
  expect(statSync(file).mode & 0o777).toBe(0o666);
});

test('a file of the name that was once used for this is left alone', () => {
  const [file, other] = [join(directory, 'config.yaml'), join(directory, 'config.yaml.new')];
  writeFileSync(other, 'of the user');
  writeWhole(file, 'new');
  expect(readFileSync(other, 'utf8')).toBe('of the user');
  expect(readdirSync(directory)).toEqual(['config.yaml', 'config.yaml.new']);
});

test('where nothing can be put in the place of a file it is written itself', () => {
  // There is no longer name, and so none for a file beside it.
  const file = join(directory, 'x'.repeat(255));
  for (const text of ['first', 'second']) {
    writeWhole(file, text);
    expect(readFileSync(file, 'utf8')).toBe(text);
  }
});
