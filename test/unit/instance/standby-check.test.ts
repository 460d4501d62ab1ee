import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { checkStandby } from '../../../src/instance/standby-check.ts';
import type { StepContext } from '../../../src/instance/step-context.ts';
import { directoryWith } from './support.ts';

const { signal } = new AbortController();
const segmentSize = 16 * 1024 * 1024;
/** Here the primary left timeline 1, in the middle of a segment. */
const fork = '000000010000000000000003';

/** A control file of 15 whose replay begins at `redo`. */
function controlFile(redo: bigint): Buffer {
  const bytes = Buffer.alloc(8192);
  bytes.writeUInt32LE(1300, 8);
  bytes.writeInt32LE(2, 16);
  bytes.writeBigUInt64LE(redo, 40);
  bytes.writeUInt32LE(segmentSize, 228);
  return bytes;
}

/** A standby that has heard of timeline 2, and whose primary does not answer. */
function standby(redo: bigint) {
  const dataDirectory = directoryWith('pg_wal/00000002.history', 'global/pg_control');
  const wal = join(dataDirectory, 'pg_wal');
  const redoAt = (position: bigint) =>
    writeFileSync(join(dataDirectory, 'global', 'pg_control'), controlFile(position));
  writeFileSync(join(wal, '00000002.history'), '1\t0/3000100\tno recovery target specified\n');
  redoAt(redo);
  const step = { context: { dataDirectory }, desired: () => ({}), log: pino({ enabled: false }) };
  return {
    wal,
    redoAt,
    dataDirectory,
    write: (text: string) => writeFileSync(join(wal, fork), text),
    check: () => checkStandby(step as unknown as StepContext, signal),
    aside: () => {
      const found = readdirSync(wal, { recursive: true, encoding: 'utf8' });
      return found
        .filter((name) => name.startsWith('.stray/') && name.endsWith(fork))
        .map((name) => readFileSync(join(wal, name), 'utf8'))
        .toSorted();
    },
  };
}

test('what was put aside stays what it is when a segment of that name is put aside again', async () => {
  const { write, check, aside, wal } = standby(0x200_0028n);
  write('only here');
  await check();
  expect(existsSync(join(wal, fork))).toBe(false);
  // The primary has sent it again, up to the fork.
  write('streamed');
  await check();
  expect(aside()).toEqual(['only here', 'streamed']);
  expect(existsSync(join(wal, fork))).toBe(false);
});

test('what has come back by streaming is left alone when replay begins behind it', async () => {
  const { write, check, aside, redoAt, wal } = standby(0x200_0028n);
  write('only here');
  await check();
  write('streamed');
  redoAt(0x400_0028n);
  await check();
  expect(aside()).toEqual(['only here']);
  expect(readFileSync(join(wal, fork), 'utf8')).toBe('streamed');
});

test('what was never put aside is, wherever replay begins; so is everything in a copy', async () => {
  const { write, check, aside, dataDirectory } = standby(0x400_0028n);
  write('only here');
  await check();
  write('in a copy');
  writeFileSync(join(dataDirectory, 'backup_label'), '');
  await check();
  expect(aside()).toEqual(['in a copy', 'only here']);
});
