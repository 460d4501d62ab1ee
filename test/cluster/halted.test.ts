import { expect, test } from 'vitest';
import { Cluster, hasReplication } from '../support/cluster.ts';
import { Writer } from '../support/writer.ts';

for (const isSynchronous of [true, false]) {
  const how = isSynchronous ? 'synchronous' : 'asynchronous';

  test.runIf(hasReplication)(`a halted postmaster is stopped for a failover, ${how}`, async () => {
    const cluster = await Cluster.start({ isSynchronous });
    const writer = await Writer.start(cluster);
    process.kill(cluster.of('demo-1').postmasterPid!, 'SIGSTOP');
    const chosen = await cluster.failOver('demo-1');
    await cluster.leads(chosen);
    await writer.more(chosen);
    // It was woken and stopped in order, so that what its sessions had written went out to the standbys.
    expect(await writer.conclude(`halted postmaster, ${how}`, 'switchover')).toEqual([]);
  });
}

test.runIf(hasReplication)('the server of a halted manager ends before another one leads', async () => {
  const cluster = await Cluster.start({ isSynchronous: true });
  const writer = await Writer.start(cluster);
  const stubborn = await Writer.start(cluster, { table: 'stubborn', only: 'demo-1' });
  const manager = cluster.of('demo-1');
  manager.signal('SIGSTOP');
  const chosen = await cluster.failOver('demo-1');
  await cluster.leads(chosen);
  await writer.more(chosen);
  const since = writer.by(chosen)[0]!.at;
  expect(await cluster.ask('demo-1', 'SELECT 1')).toBeUndefined();

  manager.signal('SIGCONT');
  await cluster.healthy();
  expect(await stubborn.lost()).toEqual([]);
  expect(stubborn.acknowledged.filter(({ at }) => at >= since)).toEqual([]);
  expect(await writer.conclude('halted manager', 'failover')).toEqual([]);
});

test.runIf(hasReplication)(
  'a primary whose stop gets nowhere does not keep the lease: a halted checkpointer',
  async () => {
    const cluster = await Cluster.start({ isSynchronous: true });
    const writer = await Writer.start(cluster);
    const manager = cluster.of('demo-1');
    const checkpointer = `SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'`;
    process.kill((await cluster.query('demo-1', checkpointer)) as number, 'SIGSTOP');

    await cluster.target('demo-2');
    // Sessions are answered all the time, so that answers alone would keep this server for as long as switchoverDelay.
    await manager.message('no checkpoint before the stop');
    await cluster.leads('demo-2');
    await manager.line('immediate stop', ({ mode, event }) => mode === 'immediate' && event === 'isolation');
    await writer.more('demo-2');
    await cluster.healthy();
    expect(await writer.conclude('halted checkpointer', 'hang')).toEqual([]);
  },
);
