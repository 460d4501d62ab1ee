import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { ManagerError, systemErrorCode } from '../errors/manager-error.ts';

/** Where distributions keep libraries: Debian a level deeper, in a directory for each architecture. */
const libraryRoots = ['/usr/lib', '/usr/lib64', '/lib'];

export interface UserFacts {
  readonly uid: number;
  readonly gid: number;
  /** Whether the C library knows a name for the user, from whatever source nsswitch.conf names. */
  readonly isKnown: boolean;
}

/**
 * The environment in which PostgreSQL's client programs find a name for the present user. initdb looks for one whatever
 * --username says. A user without one, such as a container may run as, gets an entry of its own from nss_wrapper(1), as
 * in the `postgres` image.
 *
 * Never for the server that is left running: it needs no name, and what it loads is what was configured.
 *
 * @param directory one that belongs to this user alone
 * @throws USER_WITHOUT_NAME
 */
export function withPasswdEntry(
  env: NodeJS.ProcessEnv,
  directory: string,
  user: UserFacts = presentUser(),
  roots: readonly string[] = libraryRoots,
): NodeJS.ProcessEnv {
  if (user.isKnown) return env;
  const library = findLibrary(roots);
  if (library === undefined) {
    throw new ManagerError(
      'USER_WITHOUT_NAME',
      `user ${user.uid} is in no passwd file, and there is no libnss_wrapper.so in ${roots.join(', ')}`,
    );
  }
  const passwd = join(directory, 'passwd');
  const group = join(directory, 'group');
  writeFileSync(passwd, `postgres:x:${user.uid}:${user.gid}:PostgreSQL:/:/bin/false\n`, { mode: 0o600 });
  writeFileSync(group, `postgres:x:${user.gid}:\n`, { mode: 0o600 });
  const preload = [library, env.LD_PRELOAD].filter(Boolean).join(':');
  return { ...env, LD_PRELOAD: preload, NSS_WRAPPER_PASSWD: passwd, NSS_WRAPPER_GROUP: group };
}

function presentUser(): UserFacts {
  const ids = { uid: process.geteuid?.() ?? -1, gid: process.getegid?.() ?? -1 };
  try {
    userInfo();
    return { ...ids, isKnown: true };
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return { ...ids, isKnown: false };
  }
}

function findLibrary(roots: readonly string[]): string | undefined {
  for (const root of roots.filter((path) => existsSync(path))) {
    const places = [root, ...readdirSync(root).map((name) => join(root, name))];
    const found = places.map((place) => join(place, 'libnss_wrapper.so')).find((path) => existsSync(path));
    if (found !== undefined) return found;
  }
  return undefined;
}
