import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { root } from './overlay.ts';
import type { Manifest } from './overlay.ts';

/** What is wrong with a manifest by the published schema of its kind; null where nothing is. It lets unknown fields pass. */
export async function violationOf(manifest: Manifest): Promise<string | null> {
  const models = (await import(moduleOf(manifest))) as Record<string, new (data: Manifest) => { validate(): void }>;
  const Model = models[manifest.kind];
  if (Model === undefined) return `there is no kind ${manifest.kind} in ${manifest.apiVersion}`;
  try {
    new Model(manifest).validate();
    return null;
  } catch (error) {
    return String(error);
  }
}

function moduleOf({ apiVersion, kind }: Manifest): string {
  const models = apiVersion.startsWith('keda.sh/') ? '@kubernetes-models/keda' : 'kubernetes-models';
  return `${models}/${apiVersion}/${kind}`;
}

/** Fields that no kind has, as the compiler tells them: a misspelt one would be ignored by some clusters, and refused by others. */
export function unknownFields(manifests: Manifest[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'upshift-manifests-'));
  try {
    writeFileSync(join(directory, 'manifests.ts'), manifests.map(typed).join('\n'));
    const flags = ['--noEmit', '--skipLibCheck', '--module', 'preserve', '--moduleResolution', 'bundler', '--types', ''];
    const tsc = join(root, 'node_modules/.bin/tsc');
    return spawnSync(tsc, [...flags, 'manifests.ts'], { cwd: directory, encoding: 'utf8' }).stdout;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** A manifest as a constant of its kind's type. A Secret's and a ConfigMap's own keys are free. */
function typed(manifest: Manifest, index: number): string {
  const file = fileURLToPath(import.meta.resolve(moduleOf(manifest)));
  return `export const manifest${index}: import('${file}').I${manifest.kind} = ${JSON.stringify(manifest)};`;
}
