import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  configuration,
  container,
  type Definition,
  ensureContainerTools,
  ensureImage,
  prune,
  storage,
} from '../setup/containers.ts';
import { component } from '../support/component.ts';
import { eventually, temporaryDirectory } from '../support/manager.ts';

const tools = ensureContainerTools();
const definition = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', '..', 'images', 'definitions', '15.json'), 'utf8'),
) as Definition;

const podman = (...args: string[]) => container('podman', args).trim();
const trust = ['-e', 'POSTGRES_HOST_AUTH_METHOD=trust'];
const restricted = [
  '--read-only',
  '--read-only-tmpfs=false',
  '--cap-drop=all',
  '--security-opt',
  'no-new-privileges',
  '--tmpfs',
  '/run/postgresql:rw,mode=1777',
];
let image = '';

/** Starts a container without a network, and removes it with the test. */
function run(options: readonly string[], command: readonly string[] = []): string {
  const fixed = ['--detach', '--network', 'none', '--stop-timeout', '30'];
  const id = podman('run', ...fixed, ...options, image, ...command);
  onTestFinished(() => void podman('rm', '--force', '--time', '0', '--volumes', id));
  return id;
}

function volume(): string {
  const name = podman('volume', 'create');
  onTestFinished(() => void podman('volume', 'rm', '--force', name));
  return name;
}

const inside = (id: string, ...command: string[]) => podman('exec', id, ...command);
const sql = (id: string, text: string) => inside(id, 'psql', '-U', 'postgres', '-Atc', text);
const log = (id: string) => podman('logs', id);

async function ready(id: string): Promise<string> {
  await eventually(`readiness of the container`, () => {
    try {
      const status = JSON.parse(inside(id, 'manager', 'instance', 'status', '--output', 'json')) as {
        manager: { ready: boolean };
      };
      return status.manager.ready;
    } catch {
      if (podman('inspect', '--format', '{{.State.Running}}', id) !== 'true')
        throw new Error(`it has ended:\n${log(id)}`);
      return false;
    }
  });
  return id;
}

/** Stops with TERM and tells the exit status. */
function stop(id: string): number {
  podman('stop', id);
  return Number(podman('inspect', '--format', '{{.State.ExitCode}}', id));
}

describe.runIf(component(`containers${tools.available ? '' : ` (${tools.reason})`}`, () => tools.available))(
  'the image',
  () => {
    beforeAll(() => {
      image = ensureImage(definition);
    });

    test('runs as user 26, with the manager as process 1 and nothing else beside the server', async () => {
      const id = await ready(run(trust));
      expect(inside(id, 'cat', '/proc/1/cmdline').replaceAll('\0', ' ')).toContain(
        '/usr/local/bin/manager postgres',
      );
      expect(inside(id, 'stat', '-c', '%u:%g', '/proc/1')).toBe('26:0');
      const names = inside(id, 'sh', '-c', 'for d in /proc/[0-9]*; do cat "$d/comm"; done').split('\n');
      expect(names.filter((name) => !/^(postgres|manager|sh|cat)$/.test(name))).toEqual([]);
      expect(sql(id, 'SELECT 1')).toBe('1');
      expect(stop(id)).toBe(0);
      for (const line of log(id)
        .split('\n')
        .filter((text) => text !== ''))
        expect(() => JSON.parse(line) as unknown).not.toThrow();
      expect(log(id)).toContain('database system is shut down');
    });

    test('starts from what V8 compiled when it was built', async () => {
      const id = await ready(run(trust));
      const script = `
        const { readFileSync } = require('node:fs');
        const program = '/usr/lib/manager/program.cjs';
        const head = '(function(require,module,exports,__filename,__dirname){';
        const script = new (require('node:vm').Script)(head + readFileSync(program, 'latin1') + '\\n})', {
          cachedData: readFileSync(program + '.cache'),
        });
        console.log(script.cachedDataRejected);`;
      expect(inside(id, '/usr/lib/manager/node', '-e', script)).toBe('false');
    });

    test('as any user with group 0, on a read-only root, without capabilities', async () => {
      // Podman makes an entry in /etc/passwd unless it is told not to; Docker makes none.
      const id = await ready(run([...trust, '--user', '12345:0', '--passwd=false', ...restricted]));
      expect(sql(id, 'SHOW data_directory')).toBe('/var/lib/postgresql/data/pgdata');
      expect(inside(id, 'stat', '-c', '%u', '/proc/1')).toBe('12345');
      expect(stop(id)).toBe(0);
    });

    test('as user 26, on a read-only root, without capabilities, with a password', async () => {
      const id = await ready(run(['-e', 'POSTGRES_PASSWORD=secret-7', ...restricted]));
      expect(sql(id, "SELECT auth_method FROM pg_hba_file_rules WHERE address = 'all'")).toBe(
        'scram-sha-256',
      );
      expect(stop(id)).toBe(0);
      expect(log(id)).not.toContain('secret-7');
    });

    test('as root it steps down, whoever owns the volume', async () => {
      const directory = mkdtempSync(join(tmpdir(), 'manager-volume-'));
      onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
      const id = await ready(
        run([...trust, '--user', '0:0', '-e', 'PGDATA=/data', '-v', `${directory}:/data`]),
      );
      const users = inside(
        id,
        'sh',
        '-c',
        'stat -c %u $(ls -d /proc/[0-9]* | grep -v "/$$$") 2>/dev/null | sort -u; true',
      ).split('\n');
      expect(inside(id, 'stat', '-c', '%u', '/proc/1')).toBe('26');
      expect(users).toContain('26');
      expect(stop(id)).toBe(0);
    });

    test('as root on a read-only root, without any directory beside the data', async () => {
      const locked = ['--read-only', '--read-only-tmpfs=false'];
      const id = await ready(run([...trust, '--user', '0:0', ...locked]));
      expect(inside(id, 'stat', '-c', '%u', '/proc/1')).toBe('26');
      const psql = ['psql', '-h', '/dev/shm/manager/run', '-U', 'postgres', '-Atc'];
      expect(inside(id, ...psql, 'SHOW unix_socket_directories')).toBe('/dev/shm/manager/run');
      expect(stop(id)).toBe(0);
    });

    test('as root that may not become anybody else it says so, and what to do', () => {
      const id = run([...trust, '--user', '0:0', '--cap-drop=all']);
      expect(podman('wait', id)).toBe('1');
      expect(log(id)).toMatch(/CANNOT_STEP_DOWN.*docker run --user 26/);
    });

    test('takes a command line that begins with an option of the server', async () => {
      const id = await ready(run(trust, ['-c', 'shared_buffers=32MB']));
      expect(sql(id, 'SHOW shared_buffers')).toBe('32MB');
      expect(stop(id)).toBe(0);
    });

    test('keeps its data in a volume, and takes arguments for the server', async () => {
      const data = volume();
      const first = await ready(run([...trust, '-v', `${data}:/var/lib/postgresql/data`]));
      sql(first, 'CREATE TABLE kept AS SELECT 42 AS answer');
      expect(stop(first)).toBe(0);
      const second = await ready(
        run([...trust, '-v', `${data}:/var/lib/postgresql/data`], ['postgres', '-c', 'shared_buffers=32MB']),
      );
      expect(sql(second, 'SELECT answer FROM kept')).toBe('42');
      expect(sql(second, 'SHOW shared_buffers')).toBe('32MB');
      const third = run([...trust, '-v', `${data}:/var/lib/postgresql/data`]);
      podman('wait', third);
      expect(log(third)).toContain('PGDATA_IN_USE');
      // The server of the second container would end for want of this file.
      expect(inside(second, 'ls', '/var/lib/postgresql/data/pgdata/postmaster.pid')).toContain(
        'postmaster.pid',
      );
      expect(sql(second, 'SELECT answer FROM kept')).toBe('42');
      expect(stop(second)).toBe(0);
    });

    test('reaps orphans, also of programs that were started by exec', async () => {
      const id = await ready(run(trust));
      for (let round = 0; round < 5; round += 1) inside(id, 'sh', '-c', '(sh -c "sleep 0.05" &) ; exit 0');
      const zombies = () =>
        inside(id, 'sh', '-c', 'grep -l "^State:.Z" /proc/[0-9]*/status 2>/dev/null || true');
      await eventually('no zombie', () => zombies() === '');
      expect(stop(id)).toBe(0);
    });

    test('refuses to make a database without a password, and says what to do', () => {
      const id = run([]);
      expect(podman('wait', id)).toBe('1');
      expect(log(id)).toMatch(/NO_PASSWORD.*POSTGRES_PASSWORD/);
    });

    test('runs the scripts that are mounted', async () => {
      const directory = mkdtempSync(join(tmpdir(), 'manager-scripts-'));
      onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
      mkdirSync(join(directory, 'init'));
      writeFileSync(join(directory, 'init', '10.sql'), 'CREATE TABLE made AS SELECT 1;');
      const id = await ready(
        run([...trust, '-v', `${join(directory, 'init')}:/docker-entrypoint-initdb.d:ro`]),
      );
      expect(sql(id, "SELECT to_regclass('made') IS NOT NULL")).toBe('t');
    });

    test('reads a file of kind Cluster (bundled, the YAML library came without its names)', async () => {
      const directory = temporaryDirectory();
      const spec = 'postgresql: {parameters: {work_mem: 5MB}}';
      const text = `apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: c}\nspec: {${spec}}\n`;
      writeFileSync(join(directory, 'cluster.yaml'), text, { mode: 0o644 });
      const options = ['-v', `${directory}:/cluster:ro`];
      const id = await ready(run(options, ['instance', 'run', '--cluster-file', '/cluster/cluster.yaml']));
      expect(sql(id, 'SHOW work_mem')).toBe('5MB');
    });

    test('answers the probes of a kubelet on port 8000', async () => {
      const id = await ready(run(trust));
      for (const path of ['healthz', 'readyz', 'startupz']) {
        const ask = `fetch('http://127.0.0.1:8000/${path}').then(async (r) => console.log(r.status, await r.text()))`;
        expect(inside(id, '/usr/lib/manager/node', '-e', ask)).toBe('200 OK');
      }
    });

    test('INT is an ordered stop', async () => {
      const words = [...storage(), 'run', '--rm', '--network', 'none', ...trust, image];
      const child = spawn('podman', words, {
        env: { ...process.env, ...configuration() },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      onTestFinished(() => void child.kill('SIGKILL'));
      let output = '';
      child.stdout.on('data', (chunk) => {
        output += String(chunk);
      });
      const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
      await eventually('a running instance', () => output.includes('instance is running'));
      child.kill('SIGINT');
      expect(await ended).toBe(0);
      expect(output).toContain('instance is stopped');
    });

    test('of earlier inputs are removed, but for the newest two and what is in use', () => {
      const repository = `localhost/manager-prune-${process.pid}`;
      const directory = temporaryDirectory();
      const names = ['used', 'old', 'newer', 'newest'].map((tag) => {
        // Different content, lest they be one image.
        writeFileSync(join(directory, tag), tag);
        execFileSync('tar', ['-C', directory, '-cf', join(directory, 'layer.tar'), tag]);
        const name = `${repository}:${tag}`;
        podman('import', '--quiet', join(directory, 'layer.tar'), name);
        onTestFinished(() => void podman('rmi', '--force', '--ignore', name));
        return name;
      });
      const user = podman('create', names[0]!, 'nothing');
      onTestFinished(() => void podman('rm', '--force', user));
      prune(repository);
      const left = podman('images', '--format', '{{.Repository}}:{{.Tag}}', repository).split('\n');
      expect(new Set(left)).toEqual(new Set(names.filter((name) => !name.endsWith(':old'))));
    });

    test('holds nothing that gives rights away', () => {
      const found = podman(
        'run',
        '--rm',
        '--network',
        'none',
        '--user',
        '0',
        '--entrypoint',
        'find',
        image,
        '/',
        '-xdev',
        '-perm',
        '/6000',
        '-type',
        'f',
      );
      expect(found).toBe('');
      const inspected = JSON.parse(podman('image', 'inspect', image)) as Array<{
        Config: { User: string; Entrypoint: string[] };
      }>;
      expect(inspected[0]!.Config).toMatchObject({ User: '26:0', Entrypoint: ['/usr/local/bin/manager'] });
    });
  },
);
