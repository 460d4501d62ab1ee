import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ControlFile, parseControlFile } from '../../../src/postgres/control-file.ts';
import { endOfShutdownCheckpoint, walEndOf } from '../../../src/postgres/wal-end.ts';

/** The first 232 bytes of standbys of 15, 17 and 18, whose servers said what is expected of them below. */
const standbys: Record<string, string> = {
  1300:
    '79aa2a5bd833076b1405000025770d0c0500000000000000dc33076b0000000068583202000000000058320200000000' +
    '01000000010000000100000000000000d502000000000000006000000100000000000000cc0200000100000001000000' +
    '0100000000000000da33076b000000000000000000000000d402000000000000e803000000000000785a320200000000' +
    '01000000000000000000000000000000000000000000000000000000010000000000000025000000080000000a000000' +
    '000000004000000000000000080000000000000087d6324100200000000002000020000000000001',
  1700:
    'ddfb2e86e233076ba40600008979100c0500000000000000e533076b000000005869320200000000d068320200000000' +
    '01000000010000000100000001000000e302000000000000006000000100000000000000da0200000100000001000000' +
    '0100000000000000e433076b000000000000000000000000e202000000000000e803000000000000686b320200000000' +
    '01000000000000000000000000000000000000000000000000000000010000000000000025000000080000000a000000' +
    '000000004000000000000000080000000000000087d6324100200000000002000020000000000001',
  1800:
    '492cb2a5e633076b080700003300120c0500000000000000e933076b000000006083320200000000d882320200000000' +
    '01000000010000000100000001000000f102000000000000006000000100000000000000e80200000100000001000000' +
    '0100000000000000e733076b000000000000000000000000f002000000000000e8030000000000007085320200000000' +
    '01000000000000000000000000000000000000000000000000000000010000000000000025000000080000000a000000' +
    '000000004000000000000000080000000000000087d6324100200000000002000020000000000001',
};

const settings = {
  max_connections: 37,
  max_worker_processes: 8,
  max_wal_senders: 10,
  max_prepared_transactions: 0,
  max_locks_per_transaction: 64,
};

describe('pg_control', () => {
  test('rubbish is no control file', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 55 }), (bytes) => parseControlFile(bytes) === undefined),
    );
    expect(parseControlFile(new Uint8Array(8192))).toBeUndefined();
  });
  test('the head is read, of any control version', () => {
    const bytes = Buffer.alloc(8192);
    bytes.writeBigUInt64LE(7491204417735581719n, 0);
    bytes.writeUInt32LE(1201, 8);
    bytes.writeInt32LE(6, 16);
    bytes.writeBigUInt64LE(0x300_0060n, 32);
    bytes.writeBigUInt64LE(0x300_0028n, 40);
    bytes.writeUInt32LE(3, 48);
    const head = {
      systemIdentifier: '7491204417735581719',
      clusterState: 'in production',
      checkpoint: 0x300_0060n,
      redo: 0x300_0028n,
      timeline: 3,
      details: undefined,
    };
    expect(parseControlFile(bytes)).toEqual(head);
    bytes.writeUInt32LE(1900, 8);
    expect(parseControlFile(bytes)).toEqual(head);
    bytes.writeUInt32LE(1800, 8);
    expect(parseControlFile(bytes.subarray(0, 231))).toEqual(head);
  });
  test.each([
    ['1300', '7712189891230739065', 0x232_5868n, 0x232_5800n, 0x232_5a78n],
    ['1700', '7712189934902115293', 0x232_6958n, 0x232_68d0n, 0x232_6b68n],
    ['1800', '7712189952610675785', 0x232_8360n, 0x232_82d8n, 0x232_8570n],
  ])('version %s: what the server says of itself', (version, system, checkpoint, redo, minRecoveryPoint) => {
    expect(parseControlFile(Buffer.from(standbys[version] ?? '', 'hex'))).toEqual({
      systemIdentifier: system,
      clusterState: 'in archive recovery',
      checkpoint,
      redo,
      timeline: 1,
      details: {
        minRecoveryPoint,
        minRecoveryPointTimeline: 1,
        settings,
        walBlockSize: 8192,
        walSegmentSize: 16_777_216,
      },
    });
  });
});

describe('the end of WAL by the control file', () => {
  const control = (change: Partial<ControlFile>, point = 0n, pointTimeline = 0): ControlFile => ({
    systemIdentifier: '1',
    clusterState: 'in production',
    checkpoint: 0x300_0028n,
    redo: 0x300_0028n,
    timeline: 1,
    details: {
      minRecoveryPoint: point,
      minRecoveryPointTimeline: pointTimeline,
      settings,
      walBlockSize: 8192,
      walSegmentSize: 16_777_216,
    },
    ...change,
  });
  test('a primary that was shut down: behind its last checkpoint', () => {
    expect(walEndOf(control({ clusterState: 'shut down' }))).toEqual({ timeline: 1, end: 0x300_00a0n });
    expect(walEndOf(control({ clusterState: 'shut down' }, 0x300_00a8n, 1)).end).toBe(0x300_00a8n);
  });
  test.each(['shut down in recovery', 'in archive recovery'] as const)('a standby %s', (clusterState) => {
    expect(walEndOf(control({ clusterState }, 0x400_0000n, 2))).toEqual({ timeline: 2, end: 0x400_0000n });
    expect(walEndOf(control({ clusterState })).end).toBeUndefined();
  });
  test.each(['in production', 'shutting down', 'in crash recovery', 'starting up'] as const)(
    'a primary %s: not known',
    (clusterState) => {
      expect(walEndOf(control({ clusterState })).end).toBeUndefined();
    },
  );
  test('a promoted primary that crashed before its first checkpoint is on its new timeline', () => {
    expect(walEndOf(control({}, 0x400_0000n, 2))).toEqual({ timeline: 2, end: undefined });
  });
  test('nothing is said of a layout that is not known', () => {
    expect(walEndOf(control({ clusterState: 'shut down', details: undefined })).end).toBeUndefined();
  });
  test.each([
    // Seen: location in pg_control, what the standby had received.
    [0x14f_4eb8n, 0x14f_4f30n],
    [0x14f_7fe8n, 0x14f_8078n],
    [0x300_2638n, 0x300_26b0n],
    // By the rule: exactly to the end of a page, and into a new segment, whose first header is longer.
    [0x300_1f88n, 0x300_2000n],
    [0x3ff_fff8n, 0x400_0098n],
  ])('a checkpoint at %s', (location, end) => {
    expect(endOfShutdownCheckpoint(location, 8192n, 16_777_216n)).toBe(end);
  });
});
