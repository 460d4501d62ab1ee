import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Cluster, hasReplication } from '../support/cluster.ts';
import { run } from '../support/mount.ts';
import { canFreeze, freeze, makeVolume } from '../support/volume.ts';
import { Writer } from '../support/writer.ts';

test.runIf(hasReplication && canFreeze)(
  'a primary on storage that has gone away makes room when it is asked to',
  async () => {
    let volume = '';
    const cluster = await Cluster.start({ isSynchronous: true }, (made) => {
      volume = join(made.homeOf('demo-1'), 'volume');
      makeVolume(volume);
      const wal = join(made.dataOf('demo-1'), 'pg_wal');
      run('cp', '-a', wal, join(volume, 'wal'));
      run('rm', '-r', wal);
      symlinkSync(join(volume, 'wal'), wal);
    });
    const writer = await Writer.start(cluster);
    const thaw = freeze(volume);
    await cluster.target('demo-2');
    await cluster.of('demo-1').message('no checkpoint before the stop');
    await cluster.leads('demo-2');
    thaw();
    await writer.more('demo-2');
    await cluster.healthy();
    expect(await writer.conclude('stalled storage', 'hang')).toEqual([]);
  },
);
