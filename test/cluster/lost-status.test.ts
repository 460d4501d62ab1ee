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
