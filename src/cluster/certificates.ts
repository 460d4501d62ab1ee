import type { Cluster } from './cluster.ts';

/** One file of a Pod that comes out of a Secret. */
export interface CertificateFile {
  /** In the directory of certificates. */
  readonly file: string;
  readonly secret: string;
  /** Member of the Secret. */
  readonly key: string;
}

/**
 * The files that an instance needs to be known by the others and to know them (contract 03, 3.17). Names of Secrets come from
 * the status, which the operator fills; where there is none, what it would have filled in (contract 03, 4.3).
 */
export function certificateFilesOf({ metadata, spec, status }: Cluster): readonly CertificateFile[] {
  const { name } = metadata;
  const chosen = { ...spec.certificates, ...withoutEmpty(status?.certificates) };
  const server = chosen.serverTLSSecret ?? `${name}-server`;
  const replication = chosen.replicationTLSSecret ?? `${name}-replication`;
  return [
    { file: 'server-ca.crt', secret: chosen.serverCASecret ?? `${name}-ca`, key: 'ca.crt' },
    { file: 'client-ca.crt', secret: chosen.clientCASecret ?? `${name}-ca`, key: 'ca.crt' },
    { file: 'server.key', secret: server, key: 'tls.key' },
    { file: 'server.crt', secret: server, key: 'tls.crt' },
    { file: 'streaming_replica.key', secret: replication, key: 'tls.key' },
    { file: 'streaming_replica.crt', secret: replication, key: 'tls.crt' },
  ];
}

/**
 * Changes whenever one of the Secrets may have: an operator copies the versions of those that it looks after into the status,
 * and a person who has changed one says so with an annotation.
 */
export function secretsFingerprint({ metadata, spec, status }: Cluster): string {
  const { annotations = {} } = metadata;
  const reloadedAt = Object.entries(annotations).filter(([key]) => key.endsWith('/reloadedAt'));
  return JSON.stringify([
    status?.secretsResourceVersion ?? null,
    status?.certificates ?? null,
    spec.certificates ?? null,
    spec.superuserSecret ?? null,
    spec.enableSuperuserAccess ?? null,
    spec.bootstrap ?? null,
    reloadedAt,
  ]);
}

function withoutEmpty(names: Readonly<Record<string, unknown>> = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(names).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '',
    ),
  );
}
