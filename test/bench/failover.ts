import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { conninfo, followBare, startBare, stopBare, tool } from './bare-pair.ts';
import { ClusterPlace, type Member } from './cluster-place.ts';
import { anonymousMemory, cpuSeconds, freePort, type Row, spread } from './support.ts';

const lease = '  primaryLease: {leaseDurationSeconds: 3, renewDeadlineSeconds: 2, retryPeriodSeconds: 1}\n';

/** Loss of the primary, with the lease as it is by default; the decision is made in the moment of the loss. */
export async function measureFailover(runs: number): Promise<Row[]> {
  const leaseDuration = 15_000;
  const times: number[] = [];
  const cluster = await ClusterPlace.make(2);
  try {
    await cluster.startAll();
    let [old, next] = [cluster.members[0]!, cluster.members[1]!];
    for (let run = 0; run < runs; run += 1) {
      await cluster.untilStreaming(old, 1);
      const since = performance.now();
      await cluster.kill(old);
      cluster.setTarget(next);
      times.push(await cluster.untilWritable(next, since));
      cluster.start(old);
      [old, next] = [next, old];
    }
  } finally {
    await cluster.remove();
  }
  const manager = spread(times);
  return [
    {
      name: 'kill -9 of the primary to writable',
      manager,
      unit: 'ms',
      target: `<= lease ${leaseDuration} + 500 ms`,
      met: manager.median <= leaseDuration + 500,
    },
  ];
}

/** An old primary comes back that has 100 MB nobody received: by its manager, and by pg_rewind and postgres from a script. */
export async function measureReturn(runs: number): Promise<Row[]> {
  const times: number[] = [];
  const bareTimes: number[] = [];
  const cluster = await ClusterPlace.make(2, 'max_wal_size: "4GB", wal_keep_size: "2GB"', lease);
  try {
    await cluster.startAll();
    let [old, next] = [cluster.members[0]!, cluster.members[1]!];
    await cluster.query(
      old,
      `CREATE TABLE ballast AS SELECT n, repeat('x', 1000) AS x FROM generate_series(1, 950000) n`,
    );
    await cluster.query(old, 'CREATE TABLE diverged (n int, x text)');
    for (let run = 0; run < runs; run += 1) {
      await cluster.untilStreaming(old, 1);
      await diverge(cluster, old, next);
      const copy = join(cluster.home, 'bare-copy');
      execFileSync('cp', ['-a', old.data, copy]);
      // What the copy has left to be written is not part of anybody's return.
      execFileSync('sync');
      bareTimes.push(await returnBare(cluster, { ...old, data: copy, port: await freePort() }, next));
      rmSync(copy, { recursive: true });
      const since = performance.now();
      cluster.start(old);
      await cluster.untilStreaming(next, 1);
      times.push(performance.now() - since);
      [old, next] = [next, old];
    }
  } finally {
    await cluster.remove();
  }
  const [manager, bare] = [spread(times), spread(bareTimes)];
  return [
    {
      name: 'old primary back as a standby, 1 GB, 100 MB diverged',
      manager,
      bare,
      unit: 'ms',
      target: '<= 1.5 x bare pg_rewind + start',
      met: manager.median <= 1.5 * bare.median,
    },
  ];
}

/** The standby sees nothing of the last 100 MB; then the primary is lost, and the standby leads. */
async function diverge(cluster: ClusterPlace, old: Member, next: Member): Promise<void> {
  await cluster.stop(next);
  await cluster.query(
    old,
    `INSERT INTO diverged SELECT n, repeat('y', 1000) FROM generate_series(1, 90000) n`,
  );
  await cluster.kill(old);
  cluster.setTarget(next);
  cluster.start(next);
  await cluster.untilWritable(next, performance.now());
  await cluster.query(next, 'CHECKPOINT');
}

async function returnBare(cluster: ClusterPlace, old: Member, next: Member): Promise<number> {
  const since = performance.now();
  rmSync(join(old.data, 'postmaster.pid'), { force: true });
  tool('pg_rewind', '--source-server', conninfo(next), '--target-pgdata', old.data);
  const passfile = join(cluster.home, 'cluster.yaml.passfile');
  followBare(old, `host=127.0.0.1 port=${next.port} user=streaming_replica passfile=${passfile}`);
  // The generated files name pipes that nobody reads; but a standby needs what its primary has (PostgreSQL manual, 27.4.3).
  writeFileSync(join(old.data, 'custom.conf'), 'max_worker_processes = 32\n');
  writeFileSync(join(old.data, 'override.conf'), '');
  const server = startBare(old);
  await cluster.untilStreaming(next, 1);
  const took = performance.now() - since;
  await stopBare(server, 'SIGQUIT');
  return took;
}

/** What the manager of a standby uses that has nothing to do. */
export async function measureIdleStandby(windows: number, seconds: number): Promise<Row[]> {
  const cluster = await ClusterPlace.make(2);
  try {
    await cluster.startAll();
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    const pid = cluster.pid(cluster.members[1]!);
    const [memory, cpu]: [number[], number[]] = [[], []];
    for (let window = 0; window < windows; window += 1) {
      const before = cpuSeconds(pid);
      for (let second = 0; second < seconds; second += 1) {
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        memory.push(anonymousMemory(pid) / 1024 / 1024);
      }
      cpu.push(((cpuSeconds(pid) - before) / seconds) * 100);
    }
    return [
      { name: 'idle standby, anonymous memory', manager: spread(memory), unit: 'MiB', target: '', met: true },
      { name: 'idle standby, CPU of one core', manager: spread(cpu), unit: '%', target: '', met: true },
    ];
  } finally {
    await cluster.remove();
  }
}
