import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished, test, vi } from 'vitest';
import { checkStandby } from '../../../src/instance/standby-check.ts';
import type { StepContext } from '../../../src/instance/step-context.ts';
import { directoryWith } from './support.ts';

/** What the primary says of itself; undefined: it does not answer. */
const primary = vi.hoisted((): { past: object | undefined } => ({ past: undefined }));

vi.mock('../../../src/postgres/io/replication-session.ts', () => ({
  readPrimaryPast: async () => {
    if (primary.past === undefined) throw new Error('connection refused');
    return primary.past;
  },
}));

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
  const replication = { primary: { host: 'localhost', port: 5432 } };
  const step = {
    context: { dataDirectory },
    desired: () => ({ replication }),
    view: { latest: { cluster: { status: { currentPrimary: 'c-1' } } } },
    log: pino({ enabled: false }),
  };
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

/** As pg_basebackup of 15 ends its manifest. */
const manifest = (end: string) => `"WAL-Ranges": [
{ "Timeline": 1, "Start-LSN": "0/2000028", "End-LSN": "${end}" }
],
"Manifest-Checksum": "0"}
`;

test.each([
  ['0/3000100', 'straight', ['in a copy']],
  ['0/3000108', 'foreign', []],
  [undefined, undefined, ['in a copy']],
])('a copy that needs WAL up to %s of a primary that is gone is %s', async (end, kind, moved) => {
  const { write, check, aside, dataDirectory } = standby(0x300_0028n);
  primary.past = {
    systemIdentifier: '0',
    timeline: 2,
    history: [{ timeline: 1, end: 0x300_0100n }],
    end: 0x500_0000n,
  };
  onTestFinished(() => {
    primary.past = undefined;
  });
  write('in a copy');
  writeFileSync(join(dataDirectory, 'backup_label'), '');
  if (end !== undefined) writeFileSync(join(dataDirectory, 'backup_manifest'), manifest(end));
  expect((await check())?.kind).toBe(kind);
  // What it needs to become consistent stays where it is.
  expect(aside()).toEqual(moved);
});
