import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { certificateFilesOf } from '../cluster/certificates.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { PeerTls } from '../server/peer-certificate.ts';
import type { KeyPair } from '../server/tls.ts';
import { readIfPresent, writeFilesAtomically } from './atomic-file.ts';
import { certificateTrouble } from './certificate-check.ts';
import type { SecretReader } from './secret-reader.ts';

export interface SettledCertificates {
  /** Names of the files whose content has changed. */
  readonly changed: readonly string[];
  /** What is neither in a Secret nor left from before, as `secret/key`. */
  readonly missing: readonly string[];
  /** Secrets of which nothing can be used, each with the reason; the files of before stay. */
  readonly broken: readonly string[];
}

/**
 * Keeps the files of certificates as the Secrets have them (contract 03, 3.17). A Secret that is missing, or that holds what
 * cannot be used, leaves the files of before: what somebody did by mistake must not stop anybody who runs. A key is never older
 * than its certificate: both are read at once, and the key is put in place first.
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
    const broken: string[] = [];
    for (const name of names) {
      const content = secrets.get(name);
      if (content === undefined) continue;
      const own = files.filter(({ secret }) => secret === name);
      const given = new Map(
        own.map(({ file, key }) => [file, content.data.get(key)?.toString('utf8') ?? '']),
      );
      const trouble = certificateTrouble(own, given);
      if (trouble === undefined) for (const [file, text] of given) texts.set(file, text);
      else broken.push(`${name}: ${trouble}`);
    }
    const missing = files.filter(({ file }) => !texts.has(file) && this.#read(file) === undefined);
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    return {
      changed: writeFilesAtomically(this.#directory, texts),
      missing: missing.map(({ secret, key }) => `${secret}/${key}`),
      broken,
    };
  }

  /** Whether every file is there and can be used, from whenever it may be. */
  areComplete(cluster: Cluster): boolean {
    const files = certificateFilesOf(cluster);
    const texts = new Map(files.map(({ file }) => [file, this.#read(file) ?? '']));
    const secrets = new Set(files.map(({ secret }) => secret));
    return [...secrets].every(
      (name) =>
        certificateTrouble(
          files.filter(({ secret }) => secret === name),
          texts,
        ) === undefined,
    );
  }

  /** What a listener shows; undefined while there is none. */
  serverPair(): KeyPair | undefined {
    const cert = this.#read('server.crt');
    const key = this.#read('server.key');
    return cert === undefined || key === undefined ? undefined : { cert, key };
  }

  /** By which other instances know this one, and it them; undefined while there is none. */
  peerTls(): PeerTls | undefined {
    const pair = this.serverPair();
    const ca = this.#read('server-ca.crt');
    return pair === undefined || ca === undefined ? undefined : { ...pair, ca };
  }

  #read(file: string): string | undefined {
    return readIfPresent(join(this.#directory, file));
  }
}
