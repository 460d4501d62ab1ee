import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { ManagerError } from '../../errors/manager-error.ts';
import { findInstallation, findProgram, type Installation } from '../../postgres/io/installation.ts';
import { ImpossibleError } from './impossible-error.ts';

/** What a standby is made and brought back with; the server that npm installs lacks both. */
const needed = ['pg_basebackup', 'pg_rewind'];
const aptGet = '/usr/bin/apt-get';
/** Without these lines Debian's package would make and start a server of its own. */
const noServer = {
  directory: '/etc/postgresql-common/createcluster.d',
  file: '/etc/postgresql-common/createcluster.d/manager-demo.conf',
  text: '# Written by `npm run demo`, which brings its own servers.\ncreate_main_cluster = false\n',
};

/**
 * Finds PostgreSQL with the programs of replication; as root on Debian installs it when it is missing.
 *
 * @throws ImpossibleError, with what to install
 */
export function findTools(): Installation {
  const found = lookForTools();
  if (found !== undefined) return found;
  if (process.getuid?.() !== 0 || !existsSync(aptGet)) throw missing();
  install();
  const installed = lookForTools();
  if (installed === undefined) throw missing();
  return installed;
}

function lookForTools(): Installation | undefined {
  const path = process.env.PATH;
  try {
    const found = findInstallation({
      binDirectory: undefined,
      wantedMajor: undefined,
      executable: 'postgres',
      path,
    });
    return needed.every((name) => findProgram(found, name, path) !== undefined) ? found : undefined;
  } catch (error) {
    if (error instanceof ManagerError && error.code === 'BINARY_MISSING') return undefined;
    throw error;
  }
}

function missing(): ImpossibleError {
  return new ImpossibleError(
    `no PostgreSQL with ${needed.join(' and ')} was found; on Debian, as root: apt-get install postgresql`,
  );
}

function install(): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const get = (...args: string[]) => {
    process.stderr.write(`demo: apt-get ${args.join(' ')}\n`);
    spawnSync(aptGet, args, { stdio: ['ignore', 'inherit', 'inherit'], env });
  };
  const only = ['install', '-y', '-qq', '--no-install-recommends'];
  get('update', '-qq');
  get(...only, 'postgresql-common');
  mkdirSync(noServer.directory, { recursive: true });
  writeFileSync(noServer.file, noServer.text);
  get(...only, 'postgresql');
}
