import { expect, onTestFinished, test } from 'vitest';
import type { Overview } from '../../src/cluster/overview.ts';
import { Cluster, hasReplication } from '../support/cluster.ts';
import { keptBeside } from '../support/cluster-home.ts';
import { run } from '../support/command.ts';
import { Writer } from '../support/writer.ts';

/** A command that is carried out, with what it prints on the way. */
async function succeeds(cluster: Cluster, ...words: readonly string[]): Promise<string> {
  const { code, output } = await run(cluster.path, ...words);
  expect(code, `${words.join(' ')}: ${output}\n${code === 0 ? '' : cluster.report()}`).toBe(0);
  return output;
}

/** One that is not. */
async function fails(cluster: Cluster, ...words: readonly string[]): Promise<string> {
  const { code, output } = await run(cluster.path, ...words);
  expect(code, output).toBe(1);
  return output;
}

async function overview(cluster: Cluster): Promise<Overview> {
  return JSON.parse(await succeeds(cluster, 'status', '--output', 'json')) as Overview;
}

/** Lines of what a command has seen happen, without the times. */
function happened(output: string): string[] {
  return output.split('\n').flatMap((line) => /^ *\+\d+ ms {2}(.*)$/.exec(line)?.[1] ?? []);
}

test.runIf(hasReplication)('manager cluster status, fence and unfence on real instances', async () => {
  const cluster = await Cluster.start();
  await toldHealthy(cluster);
  expect(await overview(cluster)).toMatchObject({
    name: 'demo',
    currentPrimary: 'demo-1',
    lease: { holder: 'demo-1', durationSeconds: 6 },
    instances: cluster.names.map((name) => ({
      name,
      role: name === 'demo-1' ? 'primary' : 'standby',
      condition: 'healthy',
      phase: 'running',
      endpoint: `127.0.0.1:${cluster.portOf(name)}`,
      isFenced: false,
    })),
  });

  const fencing = await succeeds(cluster, 'fence', 'demo-3');
  expect(fencing).toMatch(/^demo-3 is fenced\n/);
  expect(happened(fencing)).toEqual(
    expect.arrayContaining([
      'fenced: - -> demo-3',
      expect.stringMatching(/^demo-3 phase: .* -> (stopped|waiting)$/),
    ]),
  );
  expect(fencing).toMatch(/\ndemo-3 to be down: done after \d+ ms\n$/);
  expect(cluster.of('demo-3').postmasterPid).toBeUndefined();
  await cluster.eventually('demo-3 to wait', async () => {
    const { phase, isFenced } = (await overview(cluster)).instances[2] ?? {};
    return phase === 'waiting' && isFenced;
  });
  expect(await succeeds(cluster, 'fence', 'demo-3')).toMatch(
    /^demo-3 is fenced; nothing had to be changed\n/,
  );
  expect(await fails(cluster, 'promote', 'demo-3')).toContain(
    'manager: REQUEST_REFUSED: demo-3 is fenced: its server does not run',
  );
  expect((await cluster.status()).targetPrimary).toBe('demo-1');

  const unfencing = await succeeds(cluster, 'unfence', 'demo-3');
  expect(unfencing).toMatch(/^demo-3 is not fenced any more\n/);
  expect(happened(unfencing)).toContain('fenced: demo-3 -> -');
  expect(unfencing).toMatch(/\ndemo-3 to be running: done after \d+ ms\n$/);
  await cluster.healthy();

  // Nobody is there to carry it out; as soon as somebody is, it happens all the same.
  const manager = cluster.of('demo-3');
  manager.signal('SIGSTOP');
  expect(await fails(cluster, 'fence', 'demo-3', '--timeout', '0.5')).toContain(
    'manager: WAIT_TIMEOUT: waited 0.5 s for demo-3 to be down',
  );
  manager.signal('SIGCONT');
  await cluster.isDown('demo-3');
});

test.runIf(hasReplication)('manager cluster promote and reclone on real instances', async () => {
  const cluster = await Cluster.start({ isSynchronous: true });
  const writer = await Writer.start(cluster);
  expect(await fails(cluster, 'promote', 'demo-1')).toContain(
    'REQUEST_REFUSED: demo-1 is the primary already',
  );

  const receive = await cutOff(cluster, 'demo-3');
  expect(await fails(cluster, 'promote', 'demo-3')).toContain(
    'REQUEST_REFUSED: demo-3 does not stream from the primary, by what that has said last; --force',
  );
  receive();
  await cluster.healthy();

  const promoting = await succeeds(cluster, 'promote', 'demo-2');
  expect(promoting).toMatch(/^demo-2 is the target now, instead of demo-1\n/);
  const steps = happened(promoting);
  expect(steps).toEqual(
    expect.arrayContaining([
      'target primary: demo-1 -> demo-2',
      expect.stringMatching(/^demo-1 phase: running -> /),
      'current primary: demo-1 -> demo-2',
    ]),
  );
  expect(steps.indexOf('target primary: demo-1 -> demo-2')).toBeLessThan(
    steps.indexOf('current primary: demo-1 -> demo-2'),
  );
  expect(promoting).toMatch(/\ndemo-2 to be the primary: done after \d+ ms\n$/);
  expect(await cluster.query('demo-2', 'SELECT NOT pg_is_in_recovery()')).toBe(true);
  await writer.more('demo-2');
  await cluster.healthy();

  expect(await fails(cluster, 'reclone', 'demo-2')).toContain(
    'REQUEST_REFUSED: demo-2 is the current primary',
  );
  const recloning = await succeeds(cluster, 'reclone', 'demo-3');
  expect(recloning).toMatch(/\ndemo-3 to run on a new copy: done after \d+ ms\n$/);
  expect(happened(recloning)).toContainEqual(expect.stringMatching(/^demo-3 phase: .* -> joining$/));
  expect(keptBeside(cluster.dataOf('demo-3'))).toHaveLength(1);
  expect(await writer.conclude('manager cluster promote', 'switchover')).toEqual([]);
  expect(await overview(cluster)).toMatchObject({
    currentPrimary: 'demo-2',
    lease: { holder: 'demo-2' },
    instances: [{ role: 'standby' }, { role: 'primary', timeline: 2 }, { role: 'standby' }],
  });
});

test.runIf(hasReplication)('manager cluster forget on real instances', async () => {
  const cluster = await Cluster.start();
  const writer = await Writer.start(cluster);
  await toldHealthy(cluster);
  expect(await fails(cluster, 'forget', 'demo-1')).toContain(
    'REQUEST_REFUSED: demo-1 is the current primary',
  );
  expect(await fails(cluster, 'forget', 'demo-3')).toContain(
    'REQUEST_REFUSED: demo-3 streams from the primary; stop its manager first',
  );
  expect(await fails(cluster, 'forget', 'demo-3', '--force')).toContain(
    'CLUSTER_CONFLICT: demo-3 is still there, and has registered itself again',
  );
  await cluster.healthy();

  // It cannot say any more that it stops.
  await cluster.kill('demo-3');
  await cluster.eventually('demo-3 to be told as failed', async () => {
    return (await cluster.status()).instancesStatus?.failed?.includes('demo-3') === true;
  });
  expect(await fails(cluster, 'forget', 'demo-3')).toContain(
    'REQUEST_REFUSED: demo-3 has said last that it runs',
  );
  const forgetting = await succeeds(cluster, 'forget', 'demo-3', '--force');
  expect(forgetting).toMatch(/^demo-3 is forgotten; its data directory is left as it is\n/);
  expect(forgetting).toMatch(/\nthe primary to keep no slot for demo-3: done after \d+ ms\n$/);
  const slots = 'SELECT array_agg(slot_name::text) FROM pg_replication_slots';
  expect(await cluster.query('demo-1', slots)).toEqual(['_cnpg_demo_2']);
  const status = await cluster.status();
  expect(status.instanceNames).toEqual(['demo-1', 'demo-2']);
  expect(Object.keys(status.instancesReportedState ?? {})).toEqual(['demo-1', 'demo-2']);
  expect(status.forgetRequests).toEqual({});

  // Whoever comes back is welcome.
  await cluster.startOne('demo-3');
  expect(await writer.conclude('instance that is forgotten', 'none')).toEqual([]);
  expect((await cluster.status()).instanceNames).toEqual(cluster.names);
});

/** Waits until the status says that all are healthy: it comes after they are. */
async function toldHealthy(cluster: Cluster): Promise<void> {
  await cluster.eventually('all to be told healthy', async () => {
    const { healthy } = (await cluster.status()).instancesStatus ?? {};
    return healthy?.length === cluster.names.length;
  });
}

/** Halts what a standby receives WAL with, and waits until the primary has told. @returns the way to let it go on */
async function cutOff(cluster: Cluster, name: string): Promise<() => void> {
  // Otherwise the failure that is waited for below may be that of its beginning.
  await toldHealthy(cluster);
  const receiver = 'SELECT pid FROM pg_stat_wal_receiver';
  const pid = (await cluster.query(name, receiver)) as number;
  process.kill(pid, 'SIGSTOP');
  let isHalted = true;
  const goOn = () => {
    if (isHalted) process.kill(pid, 'SIGCONT');
    isHalted = false;
  };
  onTestFinished(goOn);
  const senders = `pg_stat_replication WHERE application_name = '${name}'`;
  await cluster.query('demo-1', `SELECT pg_terminate_backend(pid) FROM ${senders}`);
  await cluster.eventually(`${name} to be told as failed`, async () => {
    return (await cluster.status()).instancesStatus?.failed?.includes(name) === true;
  });
  return goOn;
}
