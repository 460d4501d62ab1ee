import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { childrenOf, hangOf } from '../../src/process/proc.ts';
import { Cluster, hasReplication } from '../support/cluster.ts';
import { run } from '../support/mount.ts';
import { canFreeze, freeze, makeVolume } from '../support/volume.ts';
import { Writer } from '../support/writer.ts';

/** Its primary has the WAL on a volume of its own. @returns the way to make that stand still */
async function startOnVolume(isSynchronous: boolean): Promise<{ cluster: Cluster; stall: () => () => void }> {
  let volume = '';
  const cluster = await Cluster.start({ isSynchronous }, (made) => {
    volume = join(made.homeOf('demo-1'), 'volume');
    makeVolume(volume);
    const wal = join(made.dataOf('demo-1'), 'pg_wal');
    run('cp', '-a', wal, join(volume, 'wal'));
    run('rm', '-r', wal);
    symlinkSync(join(volume, 'wal'), wal);
  });
  return { cluster, stall: () => freeze(volume) };
}

test.runIf(hasReplication && canFreeze)(
  'a primary on storage that has gone away makes room when it is asked to',
  async () => {
    const { cluster, stall } = await startOnVolume(true);
    const writer = await Writer.start(cluster);
    const thaw = stall();
    await cluster.target('demo-2');
    await cluster.of('demo-1').message('no checkpoint before the stop');
    await cluster.leads('demo-2');
    thaw();
    await writer.more('demo-2');
    await cluster.healthy();
    expect(await writer.conclude('stalled storage', 'hang')).toEqual([]);
  },
);

test.runIf(hasReplication && canFreeze)(
  'what a killed postmaster leaves behind keeps the lease as long as the kernel does not end it, and no longer than a hang',
  async () => {
    const { cluster, stall } = await startOnVolume(true);
    const writer = await Writer.start(cluster);
    const manager = cluster.of('demo-1');
    const postmaster = manager.postmasterPid!;
    const thaw = stall();
    await cluster.eventually('a process to wait for the storage', () => {
      return childrenOf(postmaster).some((pid) => hangOf(pid) !== undefined);
    });
    process.kill(postmaster, 'SIGKILL');
    await cluster.target('demo-2');
    await manager.message('processes of the server do not end');
    const { renewTime } = cluster.lease;
    await cluster.eventually('another renewal', () => cluster.lease.renewTime !== renewTime);
    expect(cluster.lease.holder).toBe('demo-1');
    await cluster.leads('demo-2');
    thaw();
    await writer.more('demo-2');
    await cluster.healthy();
    expect(await writer.conclude('stalled storage without a postmaster', 'hang')).toEqual([]);
  },
);
