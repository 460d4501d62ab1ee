import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** A certificate and its key, as paths of PEM files. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** A certificate authority that lasts for a test, in a directory of its own. */
export class CertificateAuthority {
  readonly #directory: string;
  readonly #own: KeyPair;

  /**
   * @param directory is made; the caller takes it away
   * @param signer undefined: nobody stands above it
   */
  constructor(directory: string, signer?: KeyPair) {
    mkdirSync(directory, { recursive: true });
    this.#directory = directory;
    this.#own = this.#pair('ca');
    const files = ['-keyout', this.#own.key, '-out', this.#own.certificate];
    const above = signer === undefined ? [] : ['-CA', signer.certificate, '-CAkey', signer.key];
    const subject = `/CN=a CA of tests${signer === undefined ? '' : ' below another one'}`;
    openssl('req', '-x509', ...newKey, ...above, ...files, '-days', '2', '-subj', subject);
  }

  /** An authority that this one has signed. */
  issueAuthority(name: string): CertificateAuthority {
    return new CertificateAuthority(join(this.#directory, name), this.#own);
  }

  /** For those who check certificates of this authority. */
  get pem(): string {
    return readFileSync(this.#own.certificate, 'utf8');
  }

  /** A certificate of a server on 127.0.0.1. */
  issueServer(name: string): KeyPair {
    const pair = this.#pair(name);
    const signer = ['-CA', this.#own.certificate, '-CAkey', this.#own.key];
    const names = [
      '-addext',
      'subjectAltName=IP:127.0.0.1,DNS:kubernetes.default.svc',
      '-subj',
      `/CN=${name}`,
    ];
    openssl(
      'req',
      '-x509',
      ...newKey,
      ...signer,
      ...names,
      '-keyout',
      pair.key,
      '-out',
      pair.certificate,
      '-days',
      '2',
    );
    return pair;
  }

  /** A certificate of a client, who is known by its common name. */
  issueClient(commonName: string): KeyPair {
    const pair = this.#pair(commonName);
    const signer = ['-CA', this.#own.certificate, '-CAkey', this.#own.key];
    const files = ['-keyout', pair.key, '-out', pair.certificate];
    openssl('req', '-x509', ...newKey, ...signer, ...files, '-days', '2', '-subj', `/CN=${commonName}`);
    return pair;
  }

  #pair(name: string): KeyPair {
    const path = join(this.#directory, name);
    return { certificate: `${path}.crt`, key: `${path}.key` };
  }
}

/** Makes an RSA key; returns its path. The public half is beside it, with `.pub`. */
export function makeSigningKey(path: string): string {
  openssl('genrsa', '-out', path, '2048');
  openssl('rsa', '-in', path, '-pubout', '-out', `${path}.pub`);
  return path;
}

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
