import { spawn } from 'node:child_process';
import type { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { Cluster, hasReplication } from '../support/cluster.ts';
import { clientOf, drop } from '../support/sql.ts';
import { Writer } from '../support/writer.ts';

for (const isSynchronous of [true, false]) {
  const how = isSynchronous ? 'synchronous' : 'asynchronous';
  test.runIf(hasReplication)(`a planned switchover loses nothing, ${how}`, async () => {
    const cluster = await Cluster.start({ isSynchronous });
    const writer = await Writer.start(cluster);
    await cluster.target('demo-2');
    await cluster.leads('demo-2');
    await writer.more('demo-2');
    expect(await writer.conclude(`planned switchover, ${how}`, 'switchover')).toEqual([]);
    expect((await cluster.status()).timelineID).toBe(2);
  });
}

test.runIf(hasReplication)('ten switchovers, back and forth', async () => {
  const cluster = await Cluster.start({ isSynchronous: true });
  const writer = await Writer.start(cluster);
  for (let round = 1; round <= 10; round += 1) {
    const next = round % 2 === 1 ? 'demo-2' : 'demo-1';
    await cluster.target(next);
    await cluster.leads(next);
    await writer.more(next);
    await cluster.healthy();
  }
  expect(await writer.conclude('ten switchovers', 'switchover')).toEqual([]);
  expect((await cluster.status()).timelineID).toBe(11);
  for (const name of cluster.names) {
    const said = cluster.of(name).lines.filter(({ msg }) => msg === 'pg_rewind has ended');
    expect(said).toEqual([]);
  }
});

test.runIf(hasReplication)('clients that keep the old primary busy do not hold a switchover up', async () => {
  const cluster = await Cluster.start({ isSynchronous: true });
  await cluster.query('demo-1', 'CREATE TABLE busy(id int PRIMARY KEY, text text)');
  const writer = await Writer.start(cluster);

  const port = cluster.portOf('demo-1');
  const idle = await session(port);
  await idle.query("BEGIN; INSERT INTO busy VALUES (1, 'never committed')");
  const asleep = (await session(port)).query('SELECT pg_sleep(600)').catch((error: Error) => error.message);
  // One that sends without an end, and one that does not take what it is sent.
  const sender = psql(port, 'COPY busy FROM STDIN');
  sender.child.stdin.on('error', () => {});
  sender.child.stdin.write('2\tnever complete\n');
  const many = 'SELECT repeat(md5(i::text), 30) FROM generate_series(1, 1000000) AS i';
  const receiver = psql(port, `COPY (${many}) TO STDOUT`);
  const busy = "SELECT count(*)::int FROM pg_stat_activity WHERE query ~ '^(COPY|SELECT pg_sleep|BEGIN)'";
  await cluster.eventually('busy clients', async () => (await cluster.ask('demo-1', busy)) === 4);

  await cluster.target('demo-2');
  await cluster.leads('demo-2');
  await writer.more('demo-2');
  expect(await asleep).toMatch(/^terminating connection/);
  sender.child.stdin.end();
  receiver.child.stdout.resume();
  for (const { ended } of [sender, receiver]) expect(await ended).not.toBe(0);
  expect(await writer.conclude('switchover with busy clients', 'switchover')).toEqual([]);
  expect(await cluster.query('demo-2', 'SELECT count(*)::int FROM busy')).toBe(0);
});

async function session(port: number): Promise<Client> {
  const client = clientOf(port);
  onTestFinished(() => drop(client));
  await client.connect();
  return client;
}

function psql(port: number, command: string) {
  const address = ['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres', '-c', command];
  const child = spawn('psql', ['-X', '-q', ...address], { stdio: ['pipe', 'pipe', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const { promise: ended, resolve } = Promise.withResolvers<number | null>();
  child.once('exit', resolve);
  return { child, ended };
}
