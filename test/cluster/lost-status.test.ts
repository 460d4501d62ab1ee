import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Cluster, hasReplication } from '../support/cluster.ts';
import { giveToServer } from '../support/cluster-home.ts';
import { Writer } from '../support/writer.ts';

/** What a person does who restores the file from where it came from: it has no status there. */
function saveWithoutStatus({ path }: Cluster): void {
  const text = readFileSync(path, 'utf8').replace(/^status:\n(?: .*\n|\n)*/m, '');
  expect(text).not.toContain('status:');
  writeFileSync(`${path}.saved`, text);
  giveToServer(`${path}.saved`);
  renameSync(`${path}.saved`, path);
}

test.runIf(hasReplication)('a file saved without its status does not move the primary', async () => {
  const cluster = await Cluster.start({ isSynchronous: true });
  const writer = await Writer.start(cluster);
  await cluster.target('demo-2');
  await cluster.leads('demo-2');
  await cluster.healthy();
  const { postmasterPid } = cluster.of('demo-2');
  saveWithoutStatus(cluster);
  await cluster.leads('demo-2');
  expect(await writer.conclude('saved without status', 'switchover')).toEqual([]);
  expect(cluster.of('demo-2').postmasterPid).toBe(postmasterPid);
  expect(await cluster.status()).toMatchObject({ currentPrimary: 'demo-2', targetPrimary: 'demo-2' });
});

test.runIf(hasReplication)('a standby that is down when the status is lost finds its WAL again', async () => {
  const cluster = await Cluster.start({
    isSynchronous: true,
    parameters: { wal_keep_size: '0', min_wal_size: '32MB', max_wal_size: '48MB' },
  });
  const writer = await Writer.start(cluster);
  await cluster.of('demo-3').stop();
  saveWithoutStatus(cluster);
  await cluster.eventually('the others to be there again', async () => {
    const { instanceNames, instancesStatus } = await cluster.status();
    return instanceNames?.join() === 'demo-1,demo-2' && instancesStatus?.healthy?.length === 2;
  });
  await cluster.query('demo-1', 'SELECT pg_switch_wal()');
  await cluster.query('demo-1', 'CHECKPOINT');
  await cluster.startOne('demo-3');
  expect(await writer.conclude('saved without status, a standby down', 'none')).toEqual([]);
  const settled = cluster.of('demo-1').lines.filter(({ msg }) => msg === 'replication slots settled');
  expect(settled.flatMap(({ dropped }) => dropped)).not.toContain('_cnpg_demo_3');
});

test.runIf(hasReplication)(
  'of two that were the primary none begins before a person has chosen',
  async () => {
    const cluster = await Cluster.start({ isSynchronous: true });
    const writer = await Writer.start(cluster);
    await cluster.kill('demo-1');
    const chosen = await cluster.failOver('demo-1');
    await cluster.leads(chosen);
    await writer.more(chosen);
    await writer.hold();
    for (const name of cluster.others('demo-1')) await cluster.of(name).stop();
    saveWithoutStatus(cluster);
    const old = await cluster.startOne('demo-1');
    await old.message('refused: nobody has been chosen');
    for (const name of cluster.others('demo-1')) await cluster.startOne(name);
    await cluster.of(chosen).message('refused: nobody has been chosen');
    await cluster.eventually('all to register', async () => {
      const states = Object.values((await cluster.status()).instancesReportedState ?? {});
      return states.length === 3 && states.every(({ data }) => data !== undefined);
    });
    expect((await cluster.status()).targetPrimary).toBeUndefined();
    expect([old.postmasterPid, cluster.of(chosen).postmasterPid]).toEqual([undefined, undefined]);
    await cluster.target(chosen);
    await cluster.leads(chosen);
    writer.goOn();
    expect(await writer.conclude('two former primaries', 'person')).toEqual([]);
  },
);
