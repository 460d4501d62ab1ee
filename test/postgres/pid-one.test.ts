import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { component } from '../support/component.ts';
import { eventually, isServerOf, Manager, temporaryDirectory } from '../support/manager.ts';

/** A PID namespace of its own, in which the manager is process 1 and /proc is that of the namespace. */
const namespace = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
const fakes = join(import.meta.dirname, '..', 'fixtures', 'fake-server');

/** Processes of the namespace as ps in it would show them. */
function processesInside(one: number, which: 'itself' | 'children' | 'all'): string[] {
  const select = { itself: ['-p', '1'], children: ['--ppid', '1'], all: ['-e'] }[which];
  const ps = ['ps', ...select, '-o', 'stat=,comm='];
  const text = spawnSync('nsenter', ['-t', String(one), '-p', '-m', ...ps], { encoding: 'utf8' }).stdout;
  return text
    .trim()
    .split('\n')
    .map((line) => line.trim());
}

/** PGDATA that is just good enough to get as far as starting a server. */
function pretendDataDirectory(home: string): void {
  const data = join(home, 'data');
  mkdirSync(join(data, 'global'), { recursive: true });
  mkdirSync(join(data, 'pg_wal'));
  writeFileSync(join(data, 'PG_VERSION'), '15\n');
  writeFileSync(join(data, 'global', 'pg_control'), '');
  writeFileSync(join(data, 'postgresql.conf'), '');
  chmodSync(data, 0o700);
  if (process.getuid?.() !== 0) return;
  const postgres = Number(execFileSync('id', ['-u', 'postgres'], { encoding: 'utf8' }));
  for (const name of ['data', ...readdirSync(home, { recursive: true, encoding: 'utf8' })])
    chownSync(join(home, name), postgres, postgres);
}

async function startFake(behaviour: string, wrapper: readonly string[] = namespace): Promise<Manager> {
  const home = temporaryDirectory();
  pretendDataDirectory(home);
  const words = wrapper.length === 0 ? {} : { wrapper };
  return Manager.start({ home, ...words, options: ['--bindir', fakes], env: { FAKE_SERVER: behaviour } });
}

describe.runIf(
  component(
    'a PID namespace',
    () => process.getuid?.() === 0 && spawnSync('unshare', ['--pid', '--fork', 'true']).status === 0,
  ),
)('as process 1', () => {
  test('a real server, probes, and TERM leads to an ordered end with status 0', async () => {
    const manager = await (await Manager.start({ wrapper: namespace })).ready();
    const one = manager.processOne!;
    expect(processesInside(one, 'itself')).toEqual([expect.stringMatching(/ manager$/)]);
    process.kill(one, 'SIGTERM');
    expect((await manager.ended()).code).toBe(0);
    expect(manager.clusterState).toBe('shut down');
  });

  test.each([
    ['SIGINT', 'fast', 'shut down'],
    // The next start recovers.
    ['SIGQUIT', 'immediate', 'in production'],
  ] as const)('%s: the stop is %s, the status 0', async (signal, mode, state) => {
    const manager = await (await Manager.start({ wrapper: namespace })).ready();
    process.kill(manager.processOne!, signal);
    expect((await manager.ended()).code).toBe(0);
    expect(manager.clusterState).toBe(state);
    expect(shutdownRequests(manager)).toEqual([`received ${mode} shutdown request`]);
  });

  test('HUP loads the configuration, and nothing else', async () => {
    const manager = await (await Manager.start({ wrapper: namespace })).ready();
    const server = manager.postmasterPid;
    appendFileSync(join(manager.dataDirectory, 'postgresql.conf'), "work_mem = '6MB'\n");
    process.kill(manager.processOne!, 'SIGHUP');
    await eventually('the new setting', async () => (await manager.query('SHOW work_mem')) === '6MB');
    expect(manager.postmasterPid).toBe(server);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s to the whole process group, as from a terminal, reaches the server in order only',
    async (signal) => {
      const manager = await (await Manager.start({ wrapper: namespace })).ready();
      const one = manager.processOne!;
      const server = findInside(one, 'postgres')!;
      expect(groupAndSession(one)).toEqual([manager.child.pid, manager.child.pid]);
      expect(groupAndSession(server)).toEqual([server, server]);
      // By then the manager has a session, which its checkpoint needs.
      await manager.message('as it shall be');
      process.kill(-manager.child.pid!, signal);
      await manager.ended();
      expect(manager.clusterState).toBe('shut down');
      expect(shutdownRequests(manager)).toEqual(['received fast shutdown request']);
      // By itself it would not have been asked for one.
      const messages = manager.lines.map((line) => line.record?.message ?? '');
      const checkpoint = messages.findIndex((text) => text.startsWith('checkpoint starting: immediate'));
      expect(checkpoint).toBeGreaterThan(-1);
      expect(checkpoint).toBeLessThan(messages.indexOf('received fast shutdown request'));
    },
  );

  test('orphans of any name are reaped, and the exit status of the server is kept', async () => {
    const manager = await startFake('orphans');
    await manager.message('orphans are made by');
    const one = manager.processOne!;
    await eventually(
      'the orphans to be gone',
      () => !processesInside(one, 'children').some((line) => /sleep$|^Z/.test(line)),
    );
    process.kill(one, 'SIGTERM');
    expect((await manager.ended()).code).toBe(0);
  });

  test('orphans are reaped where process 1 is somebody else, who waits for nobody', async () => {
    const indifferent = ['sh', '-c', '"$@" & exec sleep 600', 'sh'];
    const manager = await startFake('orphans', [...namespace, ...indifferent]);
    await manager.message('orphans are made by');
    const one = manager.processOne!;
    const inside = findInside(one, 'manager')!;
    // One sleep is process 1 itself, two are in the loops of the server and of the orphan that lasts.
    await eventually('the orphans to be gone', () => {
      const all = processesInside(one, 'all');
      return (
        !all.some((line) => line.startsWith('Z')) && all.filter((line) => /sleep$/.test(line)).length <= 3
      );
    });
    process.kill(inside, 'SIGTERM');
    await manager.message('the server has ended');
    process.kill(one, 'SIGKILL');
    await manager.ended();
  });

  test('processes that fall to process 1 from an exec are reaped too', async () => {
    const manager = await (await Manager.start({ wrapper: namespace })).ready();
    const one = manager.processOne!;
    for (let round = 0; round < 20; round += 1) {
      execFileSync('nsenter', [
        '-t',
        String(one),
        '-p',
        '-m',
        'sh',
        '-c',
        '(sh -c "exit 3" & sleep 0.01 &) ; exit 0',
      ]);
    }
    await eventually(
      'no zombie',
      () => !processesInside(one, 'children').some((line) => line.startsWith('Z')),
    );
    expect(await manager.query('SELECT 1')).toBe(1);
  });

  test.each([
    ['exit0', 0],
    ['exit1', 1],
    ['exit3', 3],
    // 4 would tell the operator that the disk is full.
    ['exit4', 1],
    ['exit255', 255],
  ])('%s of the server shows as %i', async (behaviour, code) => {
    const manager = await startFake(behaviour);
    expect((await manager.ended()).code).toBe(code);
  });

  test('KILL of the server shows as 137', async () => {
    const manager = await startFake('stubborn');
    await manager.message('instance is starting');
    const inside = await eventually('the server', () => findInside(manager.processOne!, 'postgres'));
    process.kill(inside, 'SIGKILL');
    expect((await manager.ended()).code).toBe(137);
  });

  test('a server that ignores every signal meets its deadlines', async () => {
    const home = temporaryDirectory();
    pretendDataDirectory(home);
    const text =
      'apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: demo}\nspec: {stopDelay: 1}\n';
    writeFileSync(join(home, 'cluster.yaml'), text);
    const options = ['--bindir', fakes, '--cluster-file', join(home, 'cluster.yaml')];
    const manager = await Manager.start({
      home,
      wrapper: namespace,
      options,
      env: { FAKE_SERVER: 'stubborn' },
    });
    await manager.message('instance is starting');
    process.kill(manager.processOne!, 'SIGTERM');
    await manager.line('immediate stop', (line) => line.mode === 'immediate' && line.event === 'deadline');
    // The immediate mode lasts a minute, which is not waited for here: process 1 may be killed from outside.
    process.kill(manager.processOne!, 'SIGKILL');
    await manager.ended();
  });

  test('a flood on standard error is drained and kept', async () => {
    const manager = await startFake('flood');
    await manager.message('flood is over');
    expect(manager.lines.filter((line) => line.msg?.startsWith('line '))).toHaveLength(20_000);
    process.kill(manager.processOne!, 'SIGTERM');
    expect((await manager.ended()).code).toBe(0);
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGQUIT'] as const)(
    '%s for a server that has no handlers yet is a stop like any other: status 0',
    async (signal) => {
      const manager = await startFake('bare');
      await manager.message('instance is starting');
      process.kill(manager.processOne!, signal);
      expect(await manager.ended()).toEqual({ code: 0, signal: null });
    },
  );

  test('signals before anything is started end it at once', async () => {
    const manager = await Manager.start({ wrapper: namespace });
    const one = await eventually('process 1 with its handlers', () => {
      const pid = manager.processOne;
      return pid !== undefined && catchesUsr2(pid) ? pid : undefined;
    });
    process.kill(one, 'SIGTERM');
    const { code } = await manager.ended();
    expect([0, 143]).toContain(code);
    expect(existsSync(join(manager.dataDirectory, 'postmaster.pid'))).toBe(false);
  });
});

test('where it is not process 1, orphans of its descendants are handed to it all the same', async () => {
  const manager = await startFake('orphans', []);
  const { msg } = await manager.message('orphans are made by');
  const server = Number(/ (\d+)$/.exec(msg!)?.[1]);
  onTestFinished(() => {
    if (isServerOf(server, manager.dataDirectory)) process.kill(server, 'SIGKILL');
  });
  const orphan = await eventually('the orphan to be a child of the manager', () => {
    const ps = ['--ppid', String(manager.child.pid), '-o', 'pid=,args='];
    const children = spawnSync('ps', ps, { encoding: 'utf8' }).stdout.split('\n');
    return Number.parseInt(children.find((line) => line.includes('lasting-orphan')) ?? '', 10) || undefined;
  });
  process.kill(orphan, 'SIGKILL');
  await eventually('it to be reaped', () => !existsSync(`/proc/${orphan}`));
  expect(await manager.stop()).toEqual({ code: 0, signal: null });
});

/** The number outside of a process of the namespace, by its name. */
function findInside(one: number, name: string): number | undefined {
  const children = readFileSync(`/proc/${one}/task/${one}/children`, 'utf8').trim().split(' ').map(Number);
  return children.find((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === name);
}

/** From the view of the outside; proc_pid_stat(5). */
function groupAndSession(pid: number): number[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [, , group, session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return [Number(group), Number(session)];
}

/** What the server was asked for by a signal, by its own account. */
function shutdownRequests(manager: Manager): string[] {
  return manager.lines
    .map((line) => line.record?.message ?? '')
    .filter((text) => /^received .* shutdown request$/.test(text));
}

function catchesUsr2(pid: number): boolean {
  const mask = /^SigCgt:\t([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
  return (BigInt(`0x${mask}`) & (1n << 11n)) !== 0n;
}
