import { once } from 'node:events';
import { existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { StepContext } from '../../../src/instance/step-context.ts';
import { promote } from '../../../src/instance/steps/promote.ts';
import { oldTimelineMarker } from '../../../src/postgres/data-directory.ts';
import { directoryWith } from './support.ts';

/** A standby on timeline 3; `answers` are the timelines to which it says that it writes, one question after the other. */
function standbyWith(answers: ReadonlyArray<number | null>, promotionTimeout = 5_000, major = 17) {
  const left = [...answers];
  const past = { system: '7', timeline: 3, position: '0/3000060', segment_size: 16 * 1024 * 1024 };
  const query = async (sql: string) => ({
    rows: sql.includes('system_identifier') ? [past] : [{ timeline: left.shift() }],
  });
  const dataDirectory = directoryWith('pg_wal/000000030000000000000003');
  const signals: string[] = [];
  const step = {
    context: { dataDirectory, installation: { major }, directories: { socket: dataDirectory }, port: 5432 },
    server: {
      postmaster: {},
      monitor: { session: { query } },
      signal: (name: string) => signals.push(name),
    },
    observation: {},
    findings: { isPromoting: false, promotedFrom: 0, isOnOldTimeline: false },
    log: pino({ enabled: false }),
    desired: () => ({ promotionTimeout, firstBoot: { superuser: 'postgres' } }),
    mayLead: () => true,
  };
  return { step: step as unknown as StepContext, signals, dataDirectory };
}

const { signal } = new AbortController();

test('a promotion ends when the server writes to a new timeline', async () => {
  const { step, signals, dataDirectory } = standbyWith([null, null, 4]);
  await promote(step, signal);
  expect(step.findings).toMatchObject({ isPromoting: true, isOnOldTimeline: false });
  expect(step.observation.inRecovery).toBe(false);
  expect(existsSync(join(dataDirectory, 'promote'))).toBe(true);
  expect(signals).toEqual(['SIGUSR1']);
});

test('one after which the server writes to the old timeline has failed, and makes nobody a primary', async () => {
  const { step, dataDirectory } = standbyWith([null, 3]);
  await expect(promote(step, signal)).rejects.toMatchObject({
    code: 'PROMOTED_IN_PLACE',
    message: expect.stringContaining('on timeline 3, and was on 3') as string,
  });
  expect(step.findings).toMatchObject({ isPromoting: true, isOnOldTimeline: true });
  // Whoever starts here next knows it as well.
  expect(existsSync(join(dataDirectory, oldTimelineMarker))).toBe(true);
});

test('one that outlives its deadline has failed by name, and a second one waits for its end', async () => {
  const { step, dataDirectory } = standbyWith([null, null, 4], 0);
  await expect(promote(step, signal)).rejects.toThrow(
    'still in recovery 0 s after the promotion was asked for (promotionTimeout)',
  );
  expect(step.findings.isPromoting).toBe(true);
  // By now it is on timeline 4, and so are its files.
  writeFileSync(join(dataDirectory, 'pg_wal', '000000040000000000000003'), '');
  Object.assign(step, { desired: () => ({ promotionTimeout: 5_000 }) });
  await promote(step, signal);
  expect(step.findings).toMatchObject({ promotedFrom: 3, isOnOldTimeline: false });
});

test('one that could not be asked for has not begun, and is asked for again', async () => {
  const { step, signals, dataDirectory } = standbyWith([4]);
  // It cannot be made, as when there is no room for another file.
  symlinkSync(join(dataDirectory, 'gone', 'file'), join(dataDirectory, 'promote'));
  await expect(promote(step, signal)).rejects.toThrow('ENOENT');
  expect(step.findings.isPromoting).toBe(false);
  expect(signals).toEqual([]);
  await promote(step, signal);
  expect(step.findings.isPromoting).toBe(true);
});

describe('before 16 the announcement waits for a checkpoint', () => {
  /** Lets everybody in, and never answers a question. `asked` resolves when there is one */
  async function silentServer(dataDirectory: string): Promise<{ readonly asked: Promise<void> }> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const server = createServer((socket) => {
      socket.on('error', () => {});
      // AuthenticationOk and ReadyForQuery.
      socket.once('data', () => {
        socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]));
        socket.once('data', () => resolve());
      });
      onTestFinished(() => void socket.destroy());
    });
    await once(server.listen(join(dataDirectory, '.s.PGSQL.5432')), 'listening');
    onTestFinished(() => void server.close());
    return { asked: promise };
  }

  test('not for ever', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { step, dataDirectory } = standbyWith([4], 5_000, 15);
    const server = await silentServer(dataDirectory);
    const done = promote(step, signal);
    await server.asked;
    vi.advanceTimersByTime(30_000);
    await done;
  });

  test('and not when the process is to end', async () => {
    const { step, dataDirectory } = standbyWith([4], 5_000, 15);
    const server = await silentServer(dataDirectory);
    const quitting = new AbortController();
    const done = promote(step, quitting.signal);
    await server.asked;
    quitting.abort();
    await done;
  });
});
