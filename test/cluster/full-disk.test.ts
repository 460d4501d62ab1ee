import { mkdirSync, rmSync, statfsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Cluster, hasReplication } from '../support/cluster.ts';
import { giveToServer } from '../support/cluster-home.ts';
import { component } from '../support/component.ts';
import { mayMount, mount, run } from '../support/mount.ts';
import { copyDirectory } from '../support/seed.ts';
import { Writer } from '../support/writer.ts';

const canMount = component('a file system of its own (CAP_SYS_ADMIN)', () => true, mayMount);
/** The process ends with it when there is no room for another segment (contract 01, 1.6). */
const noSpace = 4;

/** Gives WAL a file system of its own. @returns its directory */
function moveWal(cluster: Cluster, name: string): string {
  const wal = join(cluster.dataOf(name), 'pg_wal');
  const volume = join(cluster.homeOf(name), 'volume');
  mkdirSync(volume);
  mount(volume, '-t', 'tmpfs', '-o', 'size=192m', 'tmpfs');
  copyDirectory(wal, join(volume, 'wal'));
  rmSync(wal, { recursive: true });
  symlinkSync(join(volume, 'wal'), wal);
  giveToServer(volume);
  return volume;
}

test.runIf(hasReplication && canMount)(
  'no room for WAL on the primary: it leaves, nothing is lost',
  async () => {
    let volume = '';
    const cluster = await Cluster.start(
      {
        isSynchronous: true,
        parameters: { wal_keep_size: '0', min_wal_size: '32MB', max_wal_size: '48MB' },
      },
      (made) => {
        volume = moveWal(made, 'demo-1');
      },
    );
    const writer = await Writer.start(cluster);
    const { bavail, bsize } = statfsSync(volume);
    const ballast = join(volume, 'ballast');
    run('fallocate', '-l', String(bavail * bsize - 4096), ballast);
    const manager = cluster.of('demo-1');
    await cluster.eventually('the disk to be full', async () => {
      await cluster.ask('demo-1', 'SELECT pg_switch_wal()');
      return manager.child.exitCode !== null;
    });
    expect(await manager.ended()).toEqual({ code: noSpace, signal: null });

    const chosen = await cluster.failOver('demo-1');
    await cluster.leads(chosen);
    await writer.more(chosen);
    rmSync(ballast);
    await cluster.startOne('demo-1');
    expect(await writer.conclude("full disk under the primary's WAL", 'failover')).toEqual([]);
  },
);
