import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Cluster } from '../../../src/cluster/cluster.ts';
import { type FileSource, openFileSource } from '../../../src/cluster/file-source.ts';
import { follow } from '../../../src/cluster/follow.ts';
import { openLibc } from '../../../src/process/libc.ts';
import { eventually, temporaryDirectory } from '../../support/manager.ts';

const libc = openLibc();
const never = new AbortController().signal;

async function open(): Promise<{ path: string; source: FileSource; from: Cluster }> {
  const path = join(temporaryDirectory(), 'cluster.yaml');
  writeFileSync(
    path,
    'apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata:\n  name: c\nspec:\n  instances: 2\n',
  );
  const source = await openFileSource(path, libc);
  return { path, source, from: (await source.read(never)).cluster };
}

function start(source: FileSource, from: Cluster, timeout = 30_000) {
  const told: string[] = [];
  const end = follow(source, {
    from,
    isDone: ({ status }) => status?.currentPrimary === 'c-2',
    tell: (lines) => told.push(...lines),
    timeout,
    what: 'c-2',
  });
  return { told, end };
}

test('changes are followed as they come, until the end is reached', async () => {
  const { source, from } = await open();
  const { told, end } = start(source, from);
  await source.updateStatus(() => ({ targetPrimary: 'c-2' }), never);
  await eventually('the first change to be told', () => told.length === 1);
  await source.updateStatus((status) => ({ ...status, currentPrimary: 'c-2' }), never);
  expect((await end).status).toEqual({ targetPrimary: 'c-2', currentPrimary: 'c-2' });
  expect(told).toEqual(['target primary: - -> c-2', 'current primary: - -> c-2']);
});

test('what has happened already is told at once', async () => {
  const { source, from } = await open();
  await source.updateStatus(() => ({ currentPrimary: 'c-2' }), never);
  const { told, end } = start(source, from);
  await end;
  expect(told).toEqual(['current primary: - -> c-2']);
});

test('a file that a person is editing is told once, and waited for', async () => {
  const { path, source, from } = await open();
  const text = readFileSync(path, 'utf8');
  const { told, end } = start(source, from);
  writeFileSync(path, `${text}status: [`);
  await eventually('the mistake to be told', () => told.length === 1);
  writeFileSync(path, `${text}status: {currentPrimary: c-2}\n`);
  await end;
  expect(told).toEqual([
    expect.stringMatching(/^not readable for now: .*cluster.yaml:/),
    'current primary: - -> c-2',
  ]);
});

test('what does not happen is a timeout', async () => {
  const { source, from } = await open();
  await expect(start(source, from, 50).end).rejects.toMatchObject({
    code: 'WAIT_TIMEOUT',
    message: 'waited 0.05 s for c-2',
  });
});

test('who gives up ends it', async () => {
  const { source, from } = await open();
  const end = follow(source, {
    from,
    isDone: () => {
      throw new Error('enough');
    },
    tell: () => {},
    timeout: 30_000,
    what: 'c-2',
  });
  await expect(end).rejects.toThrow('enough');
});
