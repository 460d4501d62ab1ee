import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { oldTimelineMarker } from '../../src/postgres/data-directory.ts';
import { signalProcess } from '../../src/process/proc.ts';
import { Cluster, hasReplication } from '../support/cluster.ts';
import { Writer } from '../support/writer.ts';

/** Seconds. */
const promotionTimeout = 1;

test.runIf(hasReplication)(
  'a promotion that outlives its deadline is called so, keeps its lease, and is waited for',
  async () => {
    const cluster = await Cluster.start({ isSynchronous: true });
    await cluster.edit(['spec', 'postgresql', 'promotionTimeout'], promotionTimeout);
    const writer = await Writer.start(cluster);
    const goOn = await haltReplay(cluster, 'demo-2');
    await cluster.target('demo-2');
    const manager = cluster.of('demo-2');
    const text = 'still in recovery 1 s after the promotion was asked for (promotionTimeout)';
    const isFailure = ({ msg, step, error }: Record<string, unknown>) =>
      msg === 'step failed' && step === 'promote' && error === text;
    await manager.line('the failure of the promotion', isFailure);
    // Also after it was asked for once more.
    await cluster.eventually('a second failure', () => manager.lines.filter(isFailure).length > 1);
    expect(await manager.json('/pg/status')).toMatchObject({
      manager: {
        alignment: { state: 'unfinished primary up', goal: 'lead', isRefused: false },
        failures: [{ step: 'promote', attempts: expect.any(Number) as number, error: text }],
      },
    });
    expect(cluster.lease.holder).toBe('demo-2');
    expect((await cluster.status()).currentPrimary).toBe('demo-1');

    goOn();
    await cluster.leads('demo-2');
    await writer.more('demo-2');
    expect(await writer.conclude('promotion that takes too long', 'person')).toEqual([]);
    expect((await cluster.status()).timelineID).toBe(2);
  },
);

test.runIf(hasReplication)('a promotion that does not end makes room for another instance', async () => {
  const cluster = await Cluster.start({ isSynchronous: true });
  await cluster.edit(['spec', 'postgresql', 'promotionTimeout'], promotionTimeout);
  const writer = await Writer.start(cluster);
  await haltReplay(cluster, 'demo-2');
  await cluster.target('demo-2');
  await cluster.of('demo-2').line('the failure of the promotion', ({ msg, step }) => {
    return msg === 'step failed' && step === 'promote';
  });
  await cluster.target('demo-3');
  await cluster.leads('demo-3');
  await writer.more('demo-3');
  expect(await writer.conclude('promotion that does not end', 'hang')).toEqual([]);
});

test.runIf(hasReplication)(
  'a primary that was made on the timeline of before is stopped at once, and makes room for another one',
  async () => {
    const cluster = await Cluster.start({ isSynchronous: true });
    const writer = await Writer.start(cluster);
    const manager = cluster.of('demo-1');
    // No real server does that (see the unit tests of the step): only the mark tells of it.
    writeFileSync(join(cluster.dataOf('demo-1'), oldTimelineMarker), '');
    await manager.line('a stop', ({ msg, mode }) => msg === 'stopping the server' && mode === 'immediate');
    await manager.line('a refusal', ({ msg, state }) => {
      return state === 'clashing primary down' && msg?.includes('the timeline of before') === true;
    });
    const chosen = await cluster.failOver('demo-1');
    await cluster.leads(chosen);
    await writer.more(chosen);
    expect(await cluster.ask('demo-1', 'SELECT 1')).toBeUndefined();
    await cluster.requestCopy('demo-1');
    await cluster.healthy();
    expect(await writer.conclude('primary on the timeline of before', 'person')).toEqual([]);
  },
);

/** Halts the process that replays WAL, and with it any promotion. @returns the way to let it go on */
async function haltReplay(cluster: Cluster, name: string): Promise<() => void> {
  const startup = `SELECT pid FROM pg_stat_activity WHERE backend_type = 'startup'`;
  const pid = (await cluster.query(name, startup)) as number;
  process.kill(pid, 'SIGSTOP');
  const goOn = () => void signalProcess(pid, 'SIGCONT');
  onTestFinished(goOn);
  return goOn;
}
