import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import type { PodCluster } from '../support/pod-cluster.ts';
import { anonymousMemory, ended, node, type Row, root, spread } from './support.ts';

/** Updates that a watcher gets before its memory is looked at. */
const updates = 100;

/** Says that it has begun once it has read a Cluster, and then each change of its status. */
const body = `
const names = JSON.parse(process.argv[3]);
const api = open(process.argv[2], process.env.KUBERNETES_SERVICE_PORT, names);
await api.readCluster(new AbortController().signal);
api.watchCluster({
  onObject: (object) => console.log(object?.status?.phaseReason ?? ''),
  onTrouble: (error) => console.error(error),
});
`;

const adapters = {
  ours: `
import { HttpsApi } from './src/kubernetes/https-api.ts';
import { inClusterAccess } from './src/kubernetes/in-cluster.ts';
const open = (directory, _port, names) => new HttpsApi(inClusterAccess(process.env, directory), names);
`,
  theirs: `
import { ClientNodeApi } from './test/kubernetes/client-node-api.ts';
const open = (directory, port, names) => new ClientNodeApi({ port, directory }, names);
`,
} as const;

/** Small programs that read and follow one Cluster: with our adapter, and with one over client-node, bundled like ours. */
export async function measureWatchers(cluster: PodCluster): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'manager-bench-'));
  try {
    const used: Partial<Record<keyof typeof adapters, { memory: number; begun: number }>> = {};
    for (const [name, head] of Object.entries(adapters)) {
      const path = join(directory, `${name}.mjs`);
      await bundle(path, head + body);
      used[name as keyof typeof adapters] = await measureWatcher(path, cluster);
    }
    const row = (name: string, unit: string, of: 'memory' | 'begun'): Row => {
      const [manager, bare] = [spread([used.ours![of]]), spread([used.theirs![of]])];
      return { name, manager, bare, unit, target: '', met: true };
    };
    return [
      row('a program that follows one Cluster, anonymous memory; beside: client-node', 'MiB', 'memory'),
      row('the same, exec to its first reading; beside: client-node', 'ms', 'begun'),
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function bundle(outfile: string, contents: string): Promise<void> {
  await build({
    stdin: { contents, resolveDir: root, loader: 'ts' },
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node26',
    minifySyntax: true,
    minifyWhitespace: true,
    // Some of what client-node brings is CommonJS.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
}

async function measureWatcher(path: string, cluster: PodCluster): Promise<{ memory: number; begun: number }> {
  const { account, plane, group, namespace, name } = cluster;
  const names = JSON.stringify({ group, namespace, cluster: name });
  const since = performance.now();
  const child: ChildProcess = spawn(node, [path, account.directory, names], {
    env: { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(plane.port) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const lines = createInterface(child.stdout!)[Symbol.asyncIterator]();
    await lines.next();
    const begun = performance.now() - since;
    for (let update = 0; update < updates; update += 1) {
      const reason = `${update} of ${begun}`;
      await cluster.patchStatus({ phaseReason: reason });
      for (;;) {
        const { value, done } = await lines.next();
        if (done === true) throw new Error('the watcher has ended');
        if (value === reason) break;
      }
    }
    return { memory: anonymousMemory(child.pid!) / 1024 / 1024, begun };
  } finally {
    child.kill('SIGKILL');
    await ended(child);
  }
}
