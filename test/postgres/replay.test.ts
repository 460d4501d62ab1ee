import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually, Manager } from '../support/manager.ts';

type Reasons = { ok: boolean; reasons: Array<{ code: string; text: string }> };

/** A database that is started as a standby of the server on this port. */
async function startStandby(port: number): Promise<Manager> {
  const first = await (await Manager.start()).ready();
  await first.stop();
  writeFileSync(join(first.dataDirectory, 'standby.signal'), '');
  const source = `host=127.0.0.1 port=${port} user=postgres connect_timeout=1`;
  return Manager.start({ home: first.home, server: ['-c', `primary_conninfo=${source}`] });
}

test('a standby whose replay meets the same error again and again is not ready, and says why', async () => {
  const stranger = await (await Manager.start()).ready();
  const standby = await (await startStandby(stranger.port)).ready();
  expect(await standby.json('/pg/status')).toMatchObject({ isPrimary: false, isWalReceiverActive: false });
  const reason = await eventually('the reason', async () => {
    const { reasons } = (await standby.json('/readyz?format=json')) as Reasons;
    return reasons.find(({ code }) => code === 'REPLAY_STALLED');
  });
  expect(reason.text).toMatch(/^replay stands at 0\/[0-9A-F]+ for .*system identifier differs/);
  expect((await standby.get('/healthz')).code).toBe(200);
  expect((await standby.stop()).code).toBe(0);
  expect(standby.clusterState).toBe('shut down in recovery');
});

test('a standby that has lost its primary stays ready: what it has can still be read', async () => {
  const standby = await (await startStandby(1)).ready();
  await eventually('four attempts in vain', () => {
    const failures = standby.lines.filter((line) =>
      line.record?.message?.includes('could not connect to the primary'),
    );
    return failures.length >= 4;
  });
  expect((await standby.json('/readyz?format=json')) as Reasons).toMatchObject({ ok: true, reasons: [] });
});
