import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Debian's packages, each with the file that shows that it is there. */
const packages: ReadonlyArray<readonly [name: string, shows: string]> = [
  ['podman', '/usr/bin/podman'],
  ['buildah', '/usr/bin/buildah'],
  ['runc', '/usr/sbin/runc'],
  ['debootstrap', '/usr/sbin/debootstrap'],
];

const root = join(import.meta.dirname, '..', '..');
/** Outside of the repository: a clone that comes and goes finds it again. */
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'manager', 'containers');

/** Where the images of tests are named. */
const repository = 'localhost/manager-test';

export interface Definition {
  readonly major: number;
  readonly suite: string;
  readonly base: string;
}

export type Availability =
  | { readonly available: true }
  | { readonly available: false; readonly reason: string };

/** Installs what containers need, when this is Debian and root asks. */
export function ensureContainerTools(): Availability {
  const missing = packages.filter(([, shows]) => !existsSync(shows)).map(([name]) => name);
  if (missing.length > 0) {
    if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
      return { available: false, reason: `install, as root: apt-get install ${missing.join(' ')}` };
    }
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    spawnSync('apt-get', ['update', '-qq'], { stdio: 'inherit', env });
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], {
      stdio: 'inherit',
      env,
    });
  }
  if (process.getuid?.() !== 0) return { available: false, reason: 'containers are tried as root only' };
  const stillMissing = packages.find(([, shows]) => !existsSync(shows));
  if (stillMissing !== undefined)
    return { available: false, reason: `${stillMissing[0]} could not be installed` };
  return { available: true };
}

/** Runs podman or buildah on a storage of our own, with a configuration of our own. */
export function container(program: 'podman' | 'buildah', args: readonly string[], timeout = 120_000): string {
  return execFileSync(program, [...storage(), ...args], {
    encoding: 'utf8',
    timeout,
    env: { ...process.env, ...configuration() },
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
  });
}

/** The words that lead to our storage, for a program that is started otherwise. */
export function storage(): string[] {
  return [
    '--root',
    join(cache, 'storage'),
    '--runroot',
    '/run/manager-test-containers',
    '--storage-driver',
    'overlay',
  ];
}

/** Limits that an unprivileged machine can set, and a runtime that knows its cgroups. */
const engine =
  '[containers]\ndefault_ulimits = ["nofile=1024:20000", "nproc=1024:1024"]\n[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n';
/** Names without a registry mean what they mean to a user of Docker. Nothing is ever pulled. */
const registries = 'unqualified-search-registries = ["docker.io"]\n';

/** The variables that lead programs to a configuration of ours. */
export function configuration(): Record<string, string> {
  return {
    CONTAINERS_CONF: configurationFile('containers.conf', engine),
    CONTAINERS_REGISTRIES_CONF: configurationFile('registries.conf', registries),
  };
}

function configurationFile(name: string, text: string): string {
  const path = join(cache, name);
  mkdirSync(cache, { recursive: true });
  if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text);
  return path;
}

/** Builds the image of a definition unless one of the same inputs is there. Returns its name. */
export function ensureImage(definition: Definition): string {
  execFileSync('node', ['images/build.ts'], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  const name = `${repository}:${definition.major}-${hashOfInputs()}`;
  if (hasImage(name)) return name;
  ensureBase(definition);
  const args = [
    'bud',
    '--isolation',
    'chroot',
    '--network',
    'host',
    '--layers',
    '--pull-never',
    '-q',
    '-t',
    name,
  ];
  container(
    'buildah',
    [
      ...args,
      '--build-arg',
      `MAJOR=${definition.major}`,
      ...(definition.base === defaultBase() ? [] : ['--build-arg', `BASE=${definition.base}`]),
      root,
    ],
    900_000,
  );
  prune(repository);
  return name;
}

/** Removes the images of earlier inputs, but for the newest two: somebody may go back and forth between two clones. */
export function prune(from: string): void {
  const listed = container('podman', ['images', '--format', '{{.Repository}}:{{.Tag}}']);
  const names = listed.split('\n').filter((name) => name.startsWith(`${from}:`));
  const newestFirst = names.toSorted((a, b) => madeAt(b) - madeAt(a));
  for (const name of newestFirst.slice(2)) unlessUsed(['rmi', name]);
  // What a stage of theirs has left; that of a build under way is younger.
  unlessUsed(['image', 'prune', '--force', '--filter', 'until=1h']);
}

function madeAt(name: string): number {
  return Number(container('podman', ['image', 'inspect', '--format', '{{.Created.UnixNano}}', name]));
}

function unlessUsed(args: readonly string[]): void {
  try {
    container('podman', args);
  } catch {
    // A container of another run still needs it: it is removed by the next one.
  }
}

/** What the Dockerfile begins from when nobody says otherwise. */
function defaultBase(): string | undefined {
  return /^ARG BASE=(.*)$/m.exec(readFileSync(join(root, 'Dockerfile'), 'utf8'))?.[1];
}

/** A minimal Debian under the name that the Dockerfile begins from: made here, as there is nothing to pull from. */
function ensureBase(definition: Definition): void {
  const name = `docker.io/library/${definition.base}`;
  if (hasImage(name)) return;
  const tree = join(cache, `rootfs-${definition.suite}`);
  rmSync(tree, { recursive: true, force: true });
  execFileSync('debootstrap', ['--variant=minbase', definition.suite, tree], {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 600_000,
  });
  container('podman', ['import', '-q', ...tarOf(tree), name], 300_000);
}

function tarOf(tree: string): string[] {
  const archive = `${tree}.tar`;
  execFileSync('tar', ['-C', tree, '-cf', archive, '.']);
  rmSync(tree, { recursive: true, force: true });
  return [archive];
}

function hasImage(name: string): boolean {
  return (
    spawnSync('podman', [...storage(), 'image', 'exists', name], {
      env: { ...process.env, ...configuration() },
    }).status === 0
  );
}

/**
 * Of everything that the image is made from, but for what differs between two builds of the same sources: the commit that
 * is named in it, and what V8 compiled.
 */
function hashOfInputs(): string {
  const hash = createHash('sha256').update(readFileSync(join(root, 'Dockerfile')));
  for (const name of readdirSync(join(root, 'dist')).toSorted()) {
    if (name === 'node' || name.endsWith('.cache')) continue;
    const text = readFileSync(join(root, 'dist', name), 'latin1');
    hash.update(name).update(text.replaceAll(/"[0-9a-f]{12}(-dirty)?"/g, ''));
  }
  return hash.digest('hex').slice(0, 16);
}
