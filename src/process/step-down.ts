import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { ManagerError, messageOf, systemErrorCode } from '../errors/manager-error.ts';
import { chooseIdentity, type Identity } from './identity.ts';
import { tellKernel } from './kernel-settings.ts';

/** In Node since 0.9.4 (process.initgroups), but not in its type definitions. */
type WithInitgroups = typeof process & { initgroups(user: string, gid: number): void };

/**
 * Leaves root for good, in the whole process, before anything else is done. Does nothing when the process is
 * not root.
 *
 * The only thing done as root is to give the new user the directories it will need, as users of the `postgres`
 * image expect of a volume that the container engine made: PGDATA when it is missing or empty, and the
 * directories named, when they are missing or root's. A symbolic link is never followed, and nothing that holds
 * a file changes its owner.
 *
 * @throws CANNOT_STEP_DOWN
 */
export function stepDown(dataDirectory: string, ownDirectories: readonly string[]): Identity | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const identity = chooseIdentity({ dataDirectoryOwner: ownerOf(dataDirectory), passwd: readPasswd() });
  // Afterwards /proc/self belongs to root.
  tellKernel();
  giveIfEmpty(dataDirectory, identity, 0o700);
  for (const directory of ownDirectories) giveIfEmpty(directory, identity, 0o2775);
  try {
    if (identity.name === undefined) process.setgroups?.([identity.gid]);
    else (process as WithInitgroups).initgroups(identity.name, identity.gid);
    process.setgid?.(identity.gid);
    process.setuid?.(identity.uid);
  } catch (error) {
    throw new ManagerError('CANNOT_STEP_DOWN', `cannot become user ${identity.uid}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (process.getuid?.() === 0 || process.geteuid?.() === 0) {
    throw new ManagerError('CANNOT_STEP_DOWN', 'still root after setuid');
  }
  return identity;
}

/** Text of the passwd file; empty where there is none. */
export function readPasswd(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8');
  } catch {
    return '';
  }
}

function ownerOf(directory: string): { uid: number; gid: number } | undefined {
  try {
    const { uid, gid } = lstatSync(directory);
    return { uid, gid };
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw new ManagerError('PGDATA_UNREADABLE', `${directory}: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * What cannot be given, on a read-only file system or because it is no directory, stays as it is: whoever needs it judges
 * it as the new user, and nobody may need it.
 */
function giveIfEmpty(directory: string, { uid, gid }: Identity, mode: number): void {
  try {
    mkdirSync(directory, { recursive: true });
    const entry = lstatSync(directory);
    if (!entry.isDirectory() || entry.uid !== 0) return;
    if (readdirSync(directory).some((name) => name !== 'lost+found')) return;
    chownSync(directory, uid, gid);
    chmodSync(directory, mode);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
  }
}
