import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Certificate {
  /** As PEM: it is signed by itself. */
  text: string;
  certificateFile: string;
  keyFile: string;
  remove(): Promise<void>;
}

/** A certificate for 127.0.0.1, by `openssl`, with such extensions more; null where that is not installed. */
export async function makeCertificate(...extensions: string[]): Promise<Certificate | null> {
  const directory = await mkdtemp(join(tmpdir(), 'upshift-certificate-'));
  const [certificateFile, keyFile] = [join(directory, 'certificate.pem'), join(directory, 'key.pem')];
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true });
  const extended = ['subjectAltName=IP:127.0.0.1', ...extensions].flatMap((extension) => ['-addext', extension]);
  const kind = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=upshift', ...extended];
  try {
    await promisify(execFile)('openssl', ['req', ...kind, '-keyout', keyFile, '-out', certificateFile]);
    return { text: await readFile(certificateFile, 'utf8'), certificateFile, keyFile, remove };
  } catch (error) {
    await remove();
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
