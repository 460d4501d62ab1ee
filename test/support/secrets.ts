import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from '../../src/cluster/cluster.ts';
import type { SecretReader } from '../../src/instance/secret-reader.ts';
import { CertificateAuthority, type KeyPair } from './certificates.ts';

/** Members of a Secret, by name. */
export type Members = Record<string, string>;

export const pem = ({ certificate, key }: KeyPair) => ({
  'tls.crt': readFileSync(certificate, 'utf8'),
  'tls.key': readFileSync(key, 'utf8'),
});

/**
 * The Secrets of certificates that an operator makes, in memory.
 *
 * @param home a directory for the authority
 */
export function certificateSecrets(home: string, { metadata }: Cluster) {
  const authority = new CertificateAuthority(join(home, 'authority'));
  /** By the names without that of the Cluster. */
  const secrets = new Map<string, Members>([
    ['ca', { 'ca.crt': authority.pem }],
    ['server', pem(authority.issueServer('server'))],
    ['replication', pem(authority.issueClient('streaming_replica'))],
  ]);
  const reader: SecretReader = {
    read: async (secret) => {
      const members = secrets.get(secret.slice(metadata.name.length + 1));
      if (members === undefined) return undefined;
      const data = new Map(Object.entries(members).map(([key, text]) => [key, Buffer.from(text)]));
      return { data, version: '1', annotations: {} };
    },
  };
  return { authority, secrets, reader };
}
