import {
  chownSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { messageOf, systemErrorCode } from '../../errors/manager-error.ts';
import { chooseIdentity } from '../../process/identity.ts';
import type { Libc } from '../../process/libc.ts';
import { readPasswd } from '../../process/step-down.ts';
import { clusterText } from './cluster-text.ts';
import { ImpossibleError } from './impossible-error.ts';
import type { Place, Stage } from './place.ts';
import { findTools } from './tools.ts';

/** By this file a directory is known to be the demo's, so that its content may be removed. */
const marker = '.made-by-demo';
const firstPort = 5433;
const firstStatusPort = 8001;

/**
 * Makes everything anew that three instances need, in a directory that was empty or the demo's own before.
 *
 * @throws ImpossibleError
 */
export async function setUp(directory: string, libc: Libc): Promise<Stage> {
  const { binDirectory, major } = findTools();
  const lock = takeDirectoryOrSay(directory, libc);
  const names = [1, 2, 3];
  const ports = await freePorts(firstPort, names.length);
  const statusPorts = await freePorts(firstStatusPort, names.length);
  const places = names.map((number, index): Place => {
    const home = join(directory, `demo-${number}`);
    return {
      number,
      name: `demo-${number}`,
      home,
      dataDirectory: join(home, 'data'),
      port: ports[index]!,
      statusPort: statusPorts[index]!,
    };
  });
  const clusterFile = join(directory, 'cluster.yaml');
  writeFileSync(clusterFile, clusterText(places.length));
  for (const { home } of places) mkdirSync(join(home, 'run'), { recursive: true });
  const made = places.flatMap(({ home }) => [home, join(home, 'run')]);
  giveAway([directory, clusterFile, ...made]);
  return { directory, clusterFile, places, binDirectory, major, lock };
}

function takeDirectoryOrSay(directory: string, libc: Libc): number {
  try {
    return takeDirectory(directory, libc);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    const advice = 'remove it as the user of an earlier demo, or choose another --directory';
    throw new ImpossibleError(`${directory} cannot be used: ${messageOf(error)}; ${advice}`);
  }
}

/** Locks the directory and empties it. The lock goes on until the last process that inherits it has ended. */
function takeDirectory(directory: string, libc: Libc): number {
  mkdirSync(directory, { recursive: true });
  const lock = openSync(directory, 'r');
  if (libc.lockExclusively(lock) === 'taken') {
    throw new ImpossibleError(
      `another demo runs in ${directory}: quit it first, or choose another --directory`,
    );
  }
  const present = readdirSync(directory);
  if (present.length > 0 && !existsSync(join(directory, marker))) {
    throw new ImpossibleError(
      `${directory} holds something that is not the demo's: choose an empty --directory`,
    );
  }
  for (const name of present) rmSync(join(directory, name), { recursive: true, force: true });
  writeFileSync(join(directory, marker), '');
  return lock;
}

/** Managers of root step down to an unprivileged user, who must then be able to write here; see step-down.ts. */
function giveAway(paths: readonly string[]): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = chooseIdentity({ dataDirectoryOwner: undefined, passwd: readPasswd() });
  for (const path of paths) chownSync(path, uid, gid);
}

/**
 * Ports that nobody listens on, below those that the kernel gives to outgoing connections: a client would otherwise now
 * and then sit on the port of an instance that is down.
 */
async function freePorts(from: number, count: number): Promise<number[]> {
  const found: number[] = [];
  const end = firstEphemeralPort();
  for (let port = from; port < end && found.length < count; port += 1) {
    if (await isFree(port)) found.push(port);
  }
  if (found.length < count) throw new ImpossibleError(`no ${count} free ports between ${from} and ${end}`);
  return found;
}

function firstEphemeralPort(): number {
  try {
    return Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10);
  } catch {
    return 32_768;
  }
}

function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const probe = createServer()
    .once('error', () => resolve(false))
    .listen({ port, host: '127.0.0.1' }, () => probe.close(() => resolve(true)));
  return promise;
}
