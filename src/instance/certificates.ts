import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { certificateFilesOf } from '../cluster/certificates.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { KeyPair } from '../server/tls.ts';
import { readIfPresent, writeFilesAtomically } from './atomic-file.ts';
import type { SecretReader } from './secret-reader.ts';

export interface SettledCertificates {
  /** Names of the files whose content has changed. */
  readonly changed: readonly string[];
  /** What is neither in a Secret nor left from before, as `secret/key`. */
  readonly missing: readonly string[];
}

/**
 * Keeps the files of certificates as the Secrets have them (contract 03, 3.17). A Secret that is missing leaves the files of
 * before: what somebody removed by mistake must not stop anybody who runs. A key is never older than its certificate: both
 * are read at once, and the key is put in place first.
 */
export class Certificates {
  readonly #directory: string;
  readonly #reader: SecretReader;

  constructor(directory: string, reader: SecretReader) {
    this.#directory = directory;
    this.#reader = reader;
  }

  /** Rejects when a Secret cannot be read; nothing has changed then. */
  async settle(cluster: Cluster, signal: AbortSignal): Promise<SettledCertificates> {
    const files = certificateFilesOf(cluster);
    const names = [...new Set(files.map(({ secret }) => secret))];
    const read = await Promise.all(
      names.map(async (name) => [name, await this.#reader.read(name, signal)] as const),
    );
    const secrets = new Map(read);
    const texts = new Map<string, string>();
    const missing: string[] = [];
    for (const { file, secret, key } of files) {
      const text = secrets.get(secret)?.data.get(key)?.toString('utf8');
      if (text !== undefined && text !== '') texts.set(file, text);
      else if (readIfPresent(join(this.#directory, file)) === undefined) missing.push(`${secret}/${key}`);
    }
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    return { changed: writeFilesAtomically(this.#directory, texts), missing };
  }

  /** Whether every file is there, from whenever it may be. */
  areComplete(cluster: Cluster): boolean {
    return certificateFilesOf(cluster).every(
      ({ file }) => readIfPresent(join(this.#directory, file)) !== undefined,
    );
  }

  /** What a listener shows; undefined while there is none. */
  serverPair(): KeyPair | undefined {
    const cert = readIfPresent(join(this.#directory, 'server.crt'));
    const key = readIfPresent(join(this.#directory, 'server.key'));
    return cert === undefined || key === undefined ? undefined : { cert, key };
  }

  /** By which other instances know this one, and it them; undefined while there is none. */
  peerTls(): (KeyPair & { readonly ca: string }) | undefined {
    const pair = this.serverPair();
    const ca = this.serverCa();
    return pair === undefined || ca === undefined ? undefined : { ...pair, ca };
  }

  /** By whom the certificates of other instances are signed; undefined while that is not known. */
  serverCa(): string | undefined {
    return readIfPresent(join(this.#directory, 'server-ca.crt'));
  }
}
