import { readdirSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { startWithCluster } from '../support/lone-cluster.ts';
import { eventually, Manager, runManager } from '../support/manager.ts';

describe('a life', () => {
  test('from nothing to a served database, and in order to its end', async () => {
    const manager = await (await Manager.start()).ready();
    expect(await manager.query('SELECT 1')).toBe(1);
    expect((await manager.get('/healthz')).code).toBe(200);
    expect((await manager.get('/startupz')).code).toBe(200);
    const phases = manager.lines
      .filter((line) => line.msg?.startsWith('instance is '))
      .map((line) => line.to);
    expect(phases).toEqual(['initialising', 'starting', 'running']);
    expect(await manager.stop()).toEqual({ code: 0, signal: null });
    expect(manager.clusterState).toBe('shut down');
    expect(manager.text).toBe('');
  });

  test('keeps its data from one start to the next', async () => {
    const first = await (await Manager.start()).ready();
    await first.query('CREATE TABLE kept AS SELECT 42 AS answer');
    await first.stop();
    const second = await (await Manager.start({ home: first.home })).ready();
    expect(await second.query('SELECT answer FROM kept')).toBe(42);
    expect(second.lines.some((line) => line.logger === 'initdb')).toBe(false);
    await second.stop();
  });

  test('hands arguments to the server', async () => {
    const manager = await (
      await Manager.start({ server: ['-c', 'shared_buffers=17MB', '-N', '23'] })
    ).ready();
    expect(await manager.query('SHOW shared_buffers')).toBe('17MB');
    expect(await manager.query('SHOW max_connections')).toBe('23');
  });

  test('keeps everybody else out of its directories', async () => {
    const manager = await (await Manager.start()).ready();
    expect((statSync(manager.dataDirectory).mode & 0o777).toString(8)).toBe('700');
    expect((statSync(`${manager.home}/run/private/log/server.json`).mode & 0o777).toString(8)).toBe('600');
  });

  test('steps down from root for good, with all its threads', async () => {
    const manager = await (await Manager.start()).ready();
    const identities = (pid: number) =>
      readdirSync(`/proc/${pid}/task`).map((thread) => {
        const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
        return [...status.matchAll(/^(?:Uid|Gid|Groups):[ \t]*(.*)$/gm)].map(([, ids]) =>
          ids?.trim().split(/\s+/),
        );
      });
    const threads = identities(manager.child.pid!);
    expect(threads.length).toBeGreaterThan(4);
    for (const ids of [...threads, ...identities(manager.postmasterPid!)]) {
      expect(ids).toEqual(threads[0]);
      expect(ids.flat()).not.toContain('0');
    }
  });
});

test('the kernel is told who this is, what a crash dump holds, and whom to kill last when memory is short', async () => {
  const manager = await (await Manager.start()).ready();
  const session = await manager.connect();
  const { rows } = await session.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const fact = (pid: number, file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8').trim();
  const server = manager.postmasterPid!;
  for (const pid of [manager.child.pid!, server, rows[0]!.pid])
    expect(fact(pid, 'coredump_filter')).toBe('00000031');
  expect(fact(manager.child.pid!, 'comm')).toBe('manager');
  expect(fact(server, 'environ').split('\0')).toEqual(
    expect.arrayContaining(['PG_OOM_ADJUST_FILE=/proc/self/oom_score_adj', 'PG_OOM_ADJUST_VALUE=0']),
  );
  expect(fact(rows[0]!.pid, 'oom_score_adj')).toBe('0');
});

describe('signals', () => {
  test('INT is an ordered stop, and says so', async () => {
    const manager = await (await Manager.start()).ready();
    manager.signal('SIGINT');
    expect(await manager.ended()).toEqual({ code: 0, signal: null });
    expect(manager.lines.find((line) => line.msg === 'stopping the server')).toMatchObject({ mode: 'fast' });
    expect(manager.clusterState).toBe('shut down');
  });

  test('a stop begins with a checkpoint while the server still works, whether anybody is connected or not', async () => {
    const manager = await (await Manager.start()).ready();
    // By then the manager has a session of its own.
    await manager.message('as it shall be');
    await manager.query('CREATE TABLE dirty AS SELECT generate_series(1, 10000)');
    expect((await manager.stop()).code).toBe(0);
    const records = manager.lines.map((line) => line.record?.message ?? '');
    const at = (what: RegExp) => records.findIndex((message) => what.test(message));
    const order = [
      /^checkpoint starting: immediate force wait/,
      /^checkpoint complete: wrote [1-9]/,
      /^received fast shutdown request/,
      /^checkpoint starting: shutdown/,
    ].map(at);
    expect(order).not.toContain(-1);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });

  test('QUIT is an immediate stop: recovery at the next start, nothing lost', async () => {
    const manager = await (await Manager.start()).ready();
    await manager.query('CREATE TABLE kept AS SELECT 1');
    manager.signal('SIGQUIT');
    expect((await manager.ended()).code).toBe(0);
    expect(manager.clusterState).toBe('in production');
    const next = await (await Manager.start({ home: manager.home })).ready();
    expect(await next.query('SELECT count(*)::int FROM kept')).toBe(1);
  });

  test('a second TERM goes on to the next mode', async () => {
    const clusterFile = 'smartShutdownTimeout: 120';
    const manager = await (await startWithCluster(clusterFile)).ready();
    const session = await manager.connect({ user: 'app', database: 'app' });
    manager.signal('SIGTERM');
    await manager.line('smart stop', isStopping('smart'));
    expect((await session.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    manager.signal('SIGTERM');
    await manager.line('fast stop', isStopping('fast'));
    expect((await manager.ended()).code).toBe(0);
    expect(manager.clusterState).toBe('shut down');
  });

  test('a smart stop ends as soon as the last session has left', async () => {
    const manager = await (await startWithCluster('smartShutdownTimeout: 120')).ready();
    const session = await manager.connect({ user: 'app', database: 'app' });
    manager.signal('SIGTERM');
    await manager.line('smart stop', isStopping('smart'));
    await session.end();
    expect((await manager.ended()).code).toBe(0);
    expect(manager.lines.some(isStopping('fast'))).toBe(false);
  });

  test('a deadline makes a stop harder by itself', async () => {
    const manager = await (await startWithCluster('smartShutdownTimeout: 1')).ready();
    await manager.connect({ user: 'app', database: 'app' });
    manager.signal('SIGTERM');
    await manager.line('fast stop', (line) => line.mode === 'fast' && line.event === 'deadline');
    expect((await manager.ended()).code).toBe(0);
  });
});

describe('the end of the server', () => {
  test('by a signal shows as 128 and its number', async () => {
    const manager = await (await Manager.start()).ready();
    process.kill(manager.postmasterPid!, 'SIGKILL');
    expect(await manager.ended()).toEqual({ code: 137, signal: null });
    await manager.line('failure', (line) => line.code === 'POSTGRES_FAILED');
  });

  test('in order by somebody else is no failure', async () => {
    const manager = await (await Manager.start()).ready();
    process.kill(manager.postmasterPid!, 'SIGINT');
    expect((await manager.ended()).code).toBe(0);
  });

  test('a crash of a backend ends it, so that a clean start follows', async () => {
    const manager = await (await Manager.start()).ready();
    const session = await manager.connect();
    const { rows } = await session.query('SELECT pg_backend_pid() AS pid');
    process.kill((rows[0] as { pid: number }).pid, 'SIGSEGV');
    expect((await manager.ended()).code).toBe(1);
  });
});

test('a status for the operator and one for people', async () => {
  const manager = await (await Manager.start({ options: ['--pod-name', 'pg-1'] })).ready();
  const status = await manager.json('/pg/status');
  expect(status).toMatchObject({
    pod: { metadata: { name: 'pg-1' } },
    isPrimary: true,
    timeLineID: 1,
    instanceArch: expect.stringMatching(/^(amd64|arm64)$/),
    executableHash: expect.stringMatching(/^[0-9a-f]{64}$/),
    sessionID: expect.stringMatching(/^[0-9a-f-]{36}$/),
    loadedConfigurationHash: expect.stringMatching(/^[0-9a-f]{64}$/),
    systemID: expect.stringMatching(/^\d{18,20}$/),
    currentLsn: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/),
    lastArchivedWALTime: '-infinity',
  });
  await manager.query("SELECT pg_create_physical_replication_slot('held', true)");
  const [slot] = (await manager.json('/pg/status')).replicationSlotsInfo as object[];
  expect(slot).toMatchObject({ slotName: 'held', slotType: 'physical', walStatus: 'reserved' });
  const screen = runManager([
    'instance',
    'status',
    '--status-port',
    String(manager.statusPort),
    '--output',
    'text',
  ]);
  expect(screen.stdout).toMatch(/Ready: +yes[\s\S]*Instance: +pg-1[\s\S]*Role: +primary[\s\S]*held/);
  const raw = runManager(['instance', 'status', '--status-port', String(manager.statusPort)]);
  expect(JSON.parse(raw.stdout)).toMatchObject({ isPrimary: true });
  await manager.stop();
  expect(runManager(['instance', 'status', '--status-port', String(manager.statusPort)])).toMatchObject({
    code: 1,
  });
});

test('probes tell every reason on request, and one in a line otherwise', async () => {
  const manager = await (await Manager.start()).ready();
  expect(await manager.json('/readyz?format=json')).toMatchObject({
    ok: true,
    reasons: [],
    manager: { phase: 'running', alignment: { goal: 'reign' }, failures: [] },
  });
  const watching = "SELECT pid FROM pg_stat_activity WHERE application_name = 'cnpg-instance-manager'";
  // On a machine under load it may be between two sessions.
  const frozen = (await eventually('its session', () => manager.query(watching))) as number;
  process.kill(frozen, 'SIGSTOP');
  try {
    await eventually('not ready', async () => (await manager.get('/readyz')).code === 500);
    expect((await manager.get('/readyz')).body).toMatch(/^the server has not answered for \d+\.\d s.*\n$/);
    expect((await manager.json('/readyz?format=json')).reasons).toMatchObject([{ code: 'NO_ANSWER' }]);
    expect((await manager.get('/healthz')).code).toBe(200);
  } finally {
    process.kill(frozen, 'SIGCONT');
  }
  await manager.ready();
});

test('a postmaster that hangs is not ready, though its sessions go on', async () => {
  const manager = await (await Manager.start()).ready();
  const postmaster = manager.postmasterPid!;
  process.kill(postmaster, 'SIGSTOP');
  try {
    await eventually('not ready', async () => (await manager.get('/readyz')).code === 500);
    expect((await manager.json('/readyz?format=json')).reasons).toMatchObject([{ code: 'NO_NEW_SESSIONS' }]);
    expect((await manager.get('/healthz')).code).toBe(200);
  } finally {
    process.kill(postmaster, 'SIGCONT');
  }
  await manager.ready();
});

const isStopping = (mode: string) => (line: { msg?: string; mode?: unknown }) =>
  line.msg === 'stopping the server' && line.mode === mode;
