import { randomBytes } from 'node:crypto';
import { open, realpath } from 'node:fs/promises';
import { ManagerError, messageOf } from '../errors/manager-error.ts';
import type { Libc } from '../process/libc.ts';
import { Secret } from './secret.ts';
import { SharedFile } from './shared-file.ts';

/** As the operator names it; it may replicate and rewind, nothing else. */
export const replicationUser = 'streaming_replica';

/** The secret by which instances that share a file know each other, instead of the certificates of Kubernetes. */
export interface ReplicationPassfile {
  /** For `passfile` in a connection string. */
  readonly path: string;
  /** The password of `streaming_replica`. */
  readonly password: Secret;
}

/**
 * Gives the password file `<file>.passfile`, in the format of libpq; whoever comes first makes it. Two that come at once
 * get the same one.
 *
 * @param path of the Cluster's file
 * @throws SECRET_UNREADABLE, also for a file that others may read: libpq would pass over it
 */
export async function replicationPassfile(path: string, libc: Libc): Promise<ReplicationPassfile> {
  const password = randomBytes(24).toString('base64url');
  try {
    const passfile = `${await realpath(path)}.passfile`;
    const file = new SharedFile(passfile, libc, { isDurable: true });
    await file.createOnce(`*:*:*:${replicationUser}:${password}\n`, 0o600);
    return { path: passfile, password: await readPassword(passfile) };
  } catch (error) {
    if (error instanceof ManagerError && error.code === 'SECRET_UNREADABLE') throw error;
    throw new ManagerError('SECRET_UNREADABLE', messageOf(error), { cause: error });
  }
}

async function readPassword(path: string): Promise<Secret> {
  const file = await open(path, 'r');
  try {
    const { mode } = await file.stat();
    if ((mode & 0o077) !== 0) {
      throw new ManagerError('SECRET_UNREADABLE', `${path} must be for its owner only: chmod 0600 ${path}`);
    }
    const text = await file.readFile('utf8');
    const password = new RegExp(`^\\*:\\*:\\*:${replicationUser}:([\\w-]+)$`, 'm').exec(text)?.[1];
    if (password === undefined) {
      throw new ManagerError('SECRET_UNREADABLE', `${path} has no line *:*:*:${replicationUser}:PASSWORD`);
    }
    return new Secret(password);
  } finally {
    await file.close();
  }
}
