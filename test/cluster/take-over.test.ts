import { expect, onTestFinished, test } from 'vitest';
import { DataDirectoryLock } from '../../src/instance/data-directory-lock.ts';
import { openLibc } from '../../src/process/libc.ts';
import { Cluster, hasReplication } from '../support/cluster.ts';
import type { Manager } from '../support/manager.ts';

const libc = openLibc();

/** Whether nobody has locked the data directory at this moment. */
function isFree(dataDirectory: string): boolean {
  const lock = DataDirectoryLock.take(libc, dataDirectory);
  lock?.release();
  return lock !== undefined;
}

/** A primary whose manager was killed, and another manager that has taken its server over. */
async function takenOver(): Promise<{ cluster: Cluster; manager: Manager }> {
  const cluster = await Cluster.make();
  const first = await cluster.startOne('demo-1');
  await cluster.leads('demo-1');
  first.signal('SIGKILL');
  await new Promise((resolve) => first.child.once('exit', resolve));
  const manager = await cluster.startOne('demo-1');
  await manager.message('taking over a server');
  await manager.ready();
  return { cluster, manager };
}

test.runIf(hasReplication)(
  'the directory of a server that was taken over stays locked after its end',
  async () => {
    const { cluster, manager } = await takenOver();
    const fence = (names: readonly string[]) =>
      cluster.edit(['metadata', 'annotations', 'cnpg.io/fencedInstances'], JSON.stringify(names));
    await fence(['demo-1']);
    await manager.message('the server has ended as it was asked to');
    expect(isFree(manager.dataDirectory)).toBe(false);

    await fence([]);
    await cluster.leads('demo-1');
    // The server was handed the lock: it lasts beyond the manager.
    manager.signal('SIGKILL');
    await new Promise((resolve) => manager.child.once('exit', resolve));
    expect(isFree(manager.dataDirectory)).toBe(false);
  },
);

test.runIf(hasReplication)(
  'nothing is done to a directory that somebody else has locked meanwhile',
  async () => {
    const { manager } = await takenOver();
    manager.signal('SIGSTOP');
    process.kill(manager.postmasterPid!, 'SIGINT');
    const never = new AbortController().signal;
    const lock = await DataDirectoryLock.takeWithin(libc, manager.dataDirectory, 30_000, never);
    onTestFinished(() => lock?.release());
    expect(lock?.isHeld).toBe(true);
    manager.signal('SIGCONT');
    expect((await manager.ended()).code).toBe(1);
    expect(manager.lines.some(({ code }) => code === 'PGDATA_IN_USE')).toBe(true);
    expect(manager.clusterState).toBe('shut down');
  },
);
