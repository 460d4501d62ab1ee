import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestProject } from 'vitest/node';

/** The programs of a control plane, or why they cannot be had. */
export type ControlPlanePrograms =
  | { readonly available: true; readonly etcd: string; readonly apiServer: string }
  | { readonly available: false; readonly reason: string };

declare module 'vitest' {
  interface ProvidedContext {
    readonly controlPlane: ControlPlanePrograms;
  }
}

/** The Go module that pins what is built. */
const moduleDirectory = join(import.meta.dirname, 'control-plane');
/** Where Go is when it is not on the PATH. */
const usualGo = '/usr/local/go/bin/go';
/** Packages between two lines that tell that a build goes on; there are about 1,500 in all. */
const packagesBetweenReports = 250;

/** For vitest: before the first file that needs an API server. */
export default async function setup(project: TestProject): Promise<void> {
  project.provide('controlPlane', await ensureControlPlane());
}

/** Finds kube-apiserver and etcd, or builds them: some minutes, once for a machine and a version. */
export async function ensureControlPlane(): Promise<ControlPlanePrograms> {
  const assets = process.env.KUBEBUILDER_ASSETS;
  if (assets !== undefined && assets !== '') return programsIn(assets);
  const pinned = pinnedVersions();
  const cache = cacheOf(pinned);
  const found = programsIn(cache);
  if (found.available) return found;
  const go = findGo();
  if (go === undefined) return { available: false, reason: 'install Go, or set KUBEBUILDER_ASSETS' };
  mkdirSync(cache, { recursive: true });
  try {
    await build(go, { path: 'go.etcd.io/etcd/server/v3', target: join(cache, 'etcd'), flags: '' });
    const target = join(cache, 'kube-apiserver');
    await build(go, { path: 'k8s.io/kubernetes/cmd/kube-apiserver', target, flags: stampOf(pinned) });
  } catch (error) {
    return { available: false, reason: (error as Error).message };
  }
  return programsIn(cache);
}

function programsIn(directory: string): ControlPlanePrograms {
  const [etcd, apiServer] = [join(directory, 'etcd'), join(directory, 'kube-apiserver')];
  const missing = [etcd, apiServer].find((path) => !existsSync(path));
  if (missing !== undefined) return { available: false, reason: `there is no ${missing}` };
  return { available: true, etcd, apiServer };
}

interface PinnedVersions {
  /** Such as `v1.36.3`. */
  readonly kubernetes: string;
  readonly etcd: string;
}

function pinnedVersions(): PinnedVersions {
  const text = readFileSync(join(moduleDirectory, 'go.mod'), 'utf8');
  const versionOf = (path: string) => {
    const version = new RegExp(`^\\s*${path} (v\\S+)`, 'm').exec(text)?.[1];
    if (version === undefined) throw new Error(`go.mod of the control plane pins no ${path}`);
    return version;
  };
  return { kubernetes: versionOf('k8s.io/kubernetes'), etcd: versionOf('go.etcd.io/etcd/server/v3') };
}

/** Outside of the repository: a clone that comes and goes finds it again. */
function cacheOf({ kubernetes, etcd }: PinnedVersions): string {
  const caches = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  return join(caches, 'manager', 'control-plane', `${kubernetes}-etcd-${etcd}`);
}

/** For the linker: without it the server says that it is v0.0.0. */
function stampOf({ kubernetes }: PinnedVersions): string {
  const [major = '', minor = ''] = kubernetes.slice(1).split('.');
  return Object.entries({ gitVersion: kubernetes, gitMajor: major, gitMinor: minor })
    .map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
    .join(' ');
}

function findGo(): string | undefined {
  return ['go', usualGo].find((go) => spawnSync(go, ['version']).status === 0);
}

interface Build {
  /** Of the main package. */
  readonly path: string;
  readonly target: string;
  /** For the linker. */
  readonly flags: string;
}

/**
 * Builds one program. Whoever else wants to build it meanwhile waits for the lock and finds it done. Throws with what Go said
 * last.
 */
async function build(go: string, { path, target, flags }: Build): Promise<void> {
  const script = '[ -x "$target" ] || { "$@" && mv "$target.part" "$target"; }';
  const compile = [go, 'build', '-v', '-trimpath', '-mod=readonly', '-ldflags', `-s -w ${flags}`];
  const words = ['sh', '-c', script, 'sh', ...compile, '-o', `${target}.part`, path];
  say(`building ${path}: some minutes, once`);
  const begun = performance.now();
  const child = spawn('flock', [`${target}.lock`, 'nice', ...words], {
    cwd: moduleDirectory,
    env: { ...process.env, CGO_ENABLED: '0', target },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', (code) => resolve(code));
  });
  const last: string[] = [];
  let packages = 0;
  for await (const line of createInterface(child.stderr)) {
    last.push(line);
    if (last.length > 10) last.shift();
    packages += 1;
    if (packages % packagesBetweenReports === 0) say(`${path}: ${packages} packages so far`);
  }
  const code = await ended;
  if (code !== 0) throw new Error(`go build ${path} failed with ${code}: ${last.join('\n')}`);
  say(`${path}: built in ${Math.round((performance.now() - begun) / 1000)} s`);
}

function say(text: string): void {
  process.stderr.write(`set-up: ${text}\n`);
}
