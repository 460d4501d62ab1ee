import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { type ReloadOptions, reload } from '../../../src/instance/reload.ts';
import { directoryWith } from './support.ts';

/** What happened at a HUP, in its order. */
async function reloaded(change: Partial<ReloadOptions> = {}) {
  const events: string[] = [];
  const dataDirectory = directoryWith();
  const isWritten = () => existsSync(join(dataDirectory, 'custom.conf'));
  const options = {
    context: { dataDirectory, installation: { major: 17 }, directories: {} },
    wishes: { readAgain: async () => ({ configurationFiles: () => new Map([['custom.conf', 'new']]) }) },
    server: { postmaster: {}, signal: (signal: string) => events.push(`${signal}, written: ${isWritten()}`) },
    upkeep: undefined,
    denyFailover: async () => void events.push(`failover denied, written: ${isWritten()}`),
    signal: new AbortController().signal,
    log: pino({ enabled: false }),
    onReloaded: () => events.push('reloaded'),
    ...change,
  };
  await reload(options as unknown as ReloadOptions);
  return events;
}

test('what the operator knows of synchronous standbys is taken back before anything is written', async () => {
  expect(await reloaded()).toEqual(['failover denied, written: false', 'SIGHUP, written: true', 'reloaded']);
});

test('when it cannot be taken back, nothing has changed', async () => {
  expect(await reloaded({ denyFailover: () => Promise.reject(new Error('away')) })).toEqual([]);
});

test('where there are other duties, it is done in its turn among them', async () => {
  const asked: string[] = [];
  const upkeep = { reload: () => asked.push('asked') > 0 } as unknown as ReloadOptions['upkeep'];
  expect(await reloaded({ upkeep })).toEqual(['reloaded']);
  expect(asked).toEqual(['asked']);
});
