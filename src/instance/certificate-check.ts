import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { CertificateFile } from '../cluster/certificates.ts';
import { messageOf } from '../errors/manager-error.ts';
import { certificateBlocks } from '../server/tls.ts';

/**
 * What is wrong with the members that one Secret has given for files of certificates; undefined: they can be used. A pair of
 * certificate and key is tried as TLS will use it: one that does not match would stop every listener that is given it.
 *
 * @param files all that come out of the Secret
 * @param texts by the names of the files; one that is empty or absent is a member that is missing
 */
export function certificateTrouble(
  files: readonly CertificateFile[],
  texts: ReadonlyMap<string, string>,
): string | undefined {
  const missing = new Set(files.filter(({ file }) => (texts.get(file) ?? '') === '').map(({ key }) => key));
  if (missing.size > 0) return `it has no ${[...missing].join(' and no ')}`;
  const textOf = (key: string) => texts.get(files.find((file) => file.key === key)?.file ?? '');
  const [ca, cert, key] = [textOf('ca.crt'), textOf('tls.crt'), textOf('tls.key')];
  return (
    trouble('ca.crt', () => ca === undefined || checkAuthorities(ca)) ??
    trouble('tls.crt and tls.key', () => cert === undefined || key === undefined || checkPair(cert, key))
  );
}

function trouble(what: string, check: () => unknown): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return `${what}: ${messageOf(error)}`;
  }
}

function checkAuthorities(pem: string): void {
  const blocks = certificateBlocks(pem);
  if (blocks.length === 0) throw new Error('there is no certificate in it');
  for (const block of blocks) new X509Certificate(block);
}

function checkPair(cert: string, key: string): void {
  createSecureContext({ cert, key });
}
