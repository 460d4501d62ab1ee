import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the kubelet mounts what a service account has (contract 03, 1.2). */
const serviceAccountDirectory = '/var/run/secrets/kubernetes.io/serviceaccount';

/** How an API server is reached. Token and CA are read again whenever they are needed: the kubelet changes both. */
export interface ApiAccess {
  readonly host: string;
  readonly port: number;
  /** Certificates that the server's is checked against, in PEM. Throws when they cannot be read. */
  readonly ca: () => string;
  /** Bearer token. Throws when it cannot be read. */
  readonly token: () => string;
}

/**
 * Access with the service account of the Pod; undefined outside of Kubernetes.
 *
 * @param directory where the service account is mounted; another one for tests
 */
export function inClusterAccess(
  environment: NodeJS.ProcessEnv,
  directory = serviceAccountDirectory,
): ApiAccess | undefined {
  const host = environment.KUBERNETES_SERVICE_HOST;
  const port = Number(environment.KUBERNETES_SERVICE_PORT ?? '443');
  if (host === undefined || host === '' || !Number.isInteger(port)) return undefined;
  const read = (name: string) => readFileSync(join(directory, name), 'utf8').trim();
  return { host, port, ca: () => read('ca.crt'), token: () => read('token') };
}

/** The namespace of the Pod, when nobody has named one; undefined outside of Kubernetes. */
export function inClusterNamespace(directory = serviceAccountDirectory): string | undefined {
  try {
    return readFileSync(join(directory, 'namespace'), 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}
