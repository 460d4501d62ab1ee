import { closeSync, createReadStream, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { mkfifoSync } from '../support/fifo.ts';
import { eventually, type Line, Manager, temporaryDirectory, withDeadline } from '../support/manager.ts';

/** Milliseconds: the subject of the test, for which the load goes on. */
const stall = 60_000;
const sessions = 2;
/** Bytes: the bound for what waits, what is being written, and what the garbage collector has not looked at yet. */
const moreMemory = 100 * 1024 * 1024;
/** Whatever else a server says by itself would be lost and counted too. */
const quiet = [
  '-c',
  'log_checkpoints=off',
  '-c',
  'checkpoint_warning=0',
  '-c',
  'log_autovacuum_min_duration=-1',
];

const isFlood = (line: Line) => line.record?.application_name === 'flood';
const residentMemory = (pid: number) =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;

test('a reader who does not read for a minute, under load: nothing waits, and what is lost is counted', async () => {
  const home = temporaryDirectory();
  const path = join(home, 'stdout');
  mkfifoSync(path);
  const reader = openSync(path, 'r+');
  const writer = openSync(path, 'w');
  const manager = await (await Manager.start({ home, stdout: writer, server: quiet })).ready();
  closeSync(writer);
  const load = await Promise.all(
    Array.from({ length: sessions }, () => manager.connect({ application_name: 'flood' })),
  );
  await Promise.all(load.map((session) => session.query("SET log_statement = 'all'")));

  // Every statement is a record. A session that waits for the reader would not come back before the minute is over.
  const end = performance.now() + stall;
  const before = residentMemory(manager.child.pid!);
  let records = 0;
  const keepAsking = async (session: pg.Client) => {
    for (let round = 0; performance.now() < end; round += 1) {
      const answer = session.query('SELECT pg_sleep(0.0005)');
      await withDeadline('a statement while nobody reads', answer, () => manager.report());
      records += 1;
      if (round % 500 === 0) await probe();
    }
  };
  const probe = async () => {
    expect((await manager.get('/healthz')).code).toBe(200);
    await eventually('readiness', async () => (await manager.get('/readyz')).code === 200, 5_000);
    expect(residentMemory(manager.child.pid!) - before).toBeLessThan(moreMemory);
  };
  await Promise.all(load.map(keepAsking));

  let delivered = 0;
  let dropped = 0;
  const stream = createReadStream('', { fd: reader });
  onTestFinished(() => void stream.destroy());
  createInterface(stream).on('line', (text) => {
    const line = JSON.parse(text) as Line;
    if (isFlood(line)) delivered += 1;
    dropped += Number(line.dropped_records ?? 0);
  });
  await eventually('all records but those that were dropped', () => delivered + dropped >= records);
  expect(delivered + dropped).toBe(records);
  expect(dropped).toBeGreaterThan(delivered);
  expect((await manager.stop()).code).toBe(0);
});
