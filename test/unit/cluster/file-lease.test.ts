import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FileLease } from '../../../src/cluster/file-lease.ts';
import type { LeaseRecord } from '../../../src/cluster/source.ts';
import { openLibc } from '../../../src/process/libc.ts';
import { eventually, temporaryDirectory } from '../../support/manager.ts';

const libc = openLibc();
const never = new AbortController().signal;

async function create(): Promise<{ path: string; lease: FileLease }> {
  const path = join(temporaryDirectory(), 'cluster.yaml.lease');
  const lease = new FileLease(path, libc);
  await lease.create();
  return { path, lease };
}

const claim = (lease: LeaseRecord, holder: string): LeaseRecord => ({
  ...lease,
  holder,
  durationSeconds: 15,
  acquireTime: '2026-01-02T03:04:05.000000Z',
  renewTime: '2026-01-02T03:04:05.000000Z',
  transitions: lease.transitions + 1,
});

test('a lease is free when it is made, and made once', async () => {
  const { path, lease } = await create();
  const free = (await lease.read(never))!;
  expect(free).toMatchObject({ holder: '', transitions: 0 });
  await lease.write(claim(free, 'c-1'), never);
  await new FileLease(path, libc).create();
  expect(await lease.read(never)).toMatchObject({ holder: 'c-1', transitions: 1 });
});

test('what was written is what is read, and is the base of the next write', async () => {
  const { lease } = await create();
  const claimed = await lease.write(claim((await lease.read(never))!, 'c-1'), never);
  expect(await lease.read(never)).toEqual(claimed);
  const renewed = { ...(claimed as LeaseRecord), renewTime: '2026-01-02T03:04:07.000000Z' };
  const answer = await lease.write(renewed, never);
  expect(answer).toMatchObject({ holder: 'c-1', renewTime: renewed.renewTime, transitions: 1 });
});

test('whoever has read an older lease gets a conflict, and changes nothing', async () => {
  const { path, lease } = await create();
  const free = (await lease.read(never))!;
  await lease.write(claim(free, 'c-1'), never);
  const text = readFileSync(path, 'utf8');
  expect(await lease.write(claim(free, 'c-2'), never)).toBe('conflict');
  expect(readFileSync(path, 'utf8')).toBe(text);
});

test('of several that claim at once, one gets it', async () => {
  const { lease } = await create();
  const free = (await lease.read(never))!;
  const names = ['c-1', 'c-2', 'c-3', 'c-4', 'c-5'];
  const answers = await Promise.all(names.map((name) => lease.write(claim(free, name), never)));
  const won = answers.filter((answer) => answer !== 'conflict');
  expect(won).toHaveLength(1);
  expect(await lease.read(never)).toEqual(won[0]);
});

test('a lease that was given back and taken again is another one, even with the same fields', async () => {
  const { lease } = await create();
  const free = (await lease.read(never))!;
  const claimed = (await lease.write(claim(free, 'c-1'), never)) as LeaseRecord;
  const released = (await lease.write(
    { ...free, resourceVersion: claimed.resourceVersion },
    never,
  )) as LeaseRecord;
  expect({ ...released, resourceVersion: '' }).toEqual({ ...free, resourceVersion: '' });
  expect(await lease.write(claim(free, 'c-2'), never)).toBe('conflict');
});

test('one that somebody has removed is made again, held by nobody known, and each time as another one', async () => {
  const { path, lease } = await create();
  await lease.write(claim((await lease.read(never))!, 'c-1'), never);
  const remake = async () => {
    rmSync(path);
    expect(await lease.read(never)).toBeUndefined();
    const [one, other] = await Promise.all([lease.remake(never), new FileLease(path, libc).remake(never)]);
    expect(one).toEqual(other);
    return one!;
  };
  const first = await remake();
  expect(first.holder).toBe('(unreadable)');
  const second = await remake();
  expect(second.renewTime).not.toBe(first.renewTime);
  expect(second.resourceVersion).not.toBe(first.resourceVersion);
  expect(await lease.write(claim(second, 'c-2'), never)).toMatchObject({ holder: 'c-2' });
  expect(await lease.remake(never)).toMatchObject({ holder: 'c-2' });
});

describe('a lease that a power failure or a person has damaged', () => {
  test('is never free, keeps its renewal as long as it stays the same, and can be claimed', async () => {
    const { path, lease } = await create();
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.constantFrom('', '{', 'null', '[]', '{"holder": 5}'), fc.json()),
        async (text) => {
          writeFileSync(path, text);
          const first = (await lease.read(never))!;
          expect(first.holder).not.toBe('');
          expect(await lease.read(never)).toEqual(first);
          writeFileSync(path, `${text} `);
          const second = (await lease.read(never))!;
          expect(second.renewTime).not.toBe(first.renewTime);
          expect(await lease.write(claim(first, 'c-1'), never)).toBe('conflict');
          expect(await lease.write(claim(second, 'c-1'), never)).toMatchObject({ holder: 'c-1' });
        },
      ),
      { numRuns: 30 },
    );
  });
  test('and that is gone is no lease; a write does not make it', async () => {
    const { path, lease } = await create();
    const free = (await lease.read(never))!;
    rmSync(path);
    expect(await lease.read(never)).toBeUndefined();
    await expect(lease.write(claim(free, 'c-1'), never)).rejects.toMatchObject({
      code: 'CLUSTER_UNREADABLE',
    });
    expect(await lease.read(never)).toBeUndefined();
  });
});

test('a watch hears of renewals', async () => {
  const { path, lease } = await create();
  let heard = 0;
  const stop = lease.watch(() => {
    heard += 1;
  });
  const other = new FileLease(path, libc);
  await other.write(claim((await other.read(never))!, 'c-2'), never);
  await eventually('the claim to be heard of', () => heard > 0, 1_500);
  stop();
});
