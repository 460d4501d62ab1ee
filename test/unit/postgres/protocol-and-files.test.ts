import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { classifyFailure } from '../../../src/postgres/failure.ts';
import { initFileKind, inNameOrder } from '../../../src/postgres/init-files.ts';
import { formatLsn, parseLsn } from '../../../src/postgres/lsn.ts';
import { judgePostmasterPid, parsePostmasterPid } from '../../../src/postgres/postmaster-pid.ts';
import { decodeStartupAnswer, encodeStartupMessage } from '../../../src/postgres/startup-message.ts';

test("WAL positions keep their value and PostgreSQL's spelling", () => {
  expect(formatLsn(0x16_b374_d848n)).toBe('16/B374D848');
  expect(parseLsn('0/0')).toBe(0n);
  expect(parseLsn('1/2/3')).toBeUndefined();
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (lsn) => parseLsn(formatLsn(lsn)) === lsn),
  );
});

describe('postmaster.pid', () => {
  const text = '712\n/data\n1764000000\n5433\n/run/postgresql\n*\n  5432001   32770\nready   \n';
  test('is read line by line', () => {
    expect(parsePostmasterPid(text)).toEqual({
      pid: 712,
      dataDirectory: '/data',
      startTime: 1764000000,
      port: 5433,
      socketDirectory: '/run/postgresql',
      status: 'ready',
    });
  });
  test('may be written only in part', () => {
    expect(parsePostmasterPid('712\n/data\n')).toMatchObject({
      pid: 712,
      port: undefined,
      status: undefined,
    });
  });
  test.each(['', 'x\n', '-1\n', '0\n', '12a\n'])('%j is stale', (broken) => {
    expect(parsePostmasterPid(broken)).toBeUndefined();
  });
  test('names a live server only by program and directory', () => {
    const named = { command: 'postgres', workingDirectory: '/data' };
    expect(judgePostmasterPid(named, '/data', 'postgres')).toBe('live');
    expect(judgePostmasterPid(undefined, '/data', 'postgres')).toBe('stale');
    expect(judgePostmasterPid({ ...named, command: 'bash' }, '/data', 'postgres')).toBe('stale');
    expect(judgePostmasterPid({ ...named, workingDirectory: '/other' }, '/data', 'postgres')).toBe('stale');
    expect(judgePostmasterPid({ ...named, workingDirectory: undefined }, '/data', 'postgres')).toBe('live');
  });
});

describe('the first message of a server', () => {
  const message = (type: string, body: Buffer) => {
    const head = Buffer.from(`${type}....`);
    head.writeInt32BE(body.length + 4, 1);
    return Buffer.concat([head, body]);
  };
  const error = message('E', Buffer.from('SFATAL\0C57P03\0Mthe database system is starting up\0\0'));
  test('a request for authentication means it takes connections', () => {
    expect(decodeStartupAnswer(message('R', Buffer.from([0, 0, 0, 10])))).toEqual({ kind: 'accepts' });
  });
  test('an error carries its state', () => {
    expect(decodeStartupAnswer(error)).toEqual({
      kind: 'refuses',
      sqlState: '57P03',
      text: 'the database system is starting up',
    });
  });
  test('nothing is concluded from a part of it', () => {
    for (let length = 0; length < error.length; length += 1) {
      expect(decodeStartupAnswer(error.subarray(0, length))).toBeUndefined();
    }
  });
  test('something else than a server', () => {
    expect(decodeStartupAnswer(Buffer.from('HTTP/1.1 400'))).toMatchObject({
      kind: 'refuses',
      sqlState: '08P01',
    });
  });
  test('the question is a startup message of protocol 3', () => {
    const sent = encodeStartupMessage('postgres', 'postgres');
    expect(sent.readInt32BE(0)).toBe(sent.length);
    expect(sent.readInt32BE(4)).toBe(196608);
    expect(sent.subarray(-2)).toEqual(Buffer.from([0, 0]));
  });
});

test.each([
  ['could not bind IPv4 address "0.0.0.0": Address already in use', 'PORT_IN_USE'],
  ['lock file "/run/postgresql/.s.PGSQL.5432.lock" already exists', 'PORT_IN_USE'],
  ['lock file "postmaster.pid" already exists', 'PGDATA_IN_USE'],
  ['pre-existing shared memory block (key 1, ID 2) is still in use', 'PGDATA_IN_USE'],
  ['unrecognized configuration parameter "shared_bufers"', 'PARAMETER_INVALID'],
  ['configuration file "/data/postgresql.conf" contains errors', 'PARAMETER_INVALID'],
  ['could not write to file "pg_wal/xlogtemp.7": No space left on device', 'NO_SPACE'],
  ['data directory "/data" has invalid permissions', 'PGDATA_MODE'],
  ['something new', 'POSTGRES_FAILED'],
])('%s is %s', (message, code) => {
  expect(classifyFailure(['harmless', message])).toBe(code);
});

test('init files are known by their names and run in the order of bytes', () => {
  const names = ['b.sql', 'B.sql', 'a.sh', '10.sql.gz', '9.sql.zst', 'é.sql.xz', 'README'];
  expect(inNameOrder(names)).toEqual([
    '10.sql.gz',
    '9.sql.zst',
    'B.sql',
    'README',
    'a.sh',
    'b.sql',
    'é.sql.xz',
  ]);
  expect(inNameOrder(names).map(initFileKind)).toEqual([
    'sql.gz',
    'sql.zst',
    'sql',
    'ignored',
    'script',
    'sql',
    'sql.xz',
  ]);
});
