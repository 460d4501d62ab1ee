import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  abortedPrefix,
  type DataDirectoryFacts,
  isTooOpen,
  joinDirectory,
  joinMarker,
  judgeDataDirectory,
  stagingDirectory,
  unfinishedMarker,
} from '../../../src/postgres/data-directory.ts';

const facts = (change: Partial<DataDirectoryFacts>): DataDirectoryFacts => ({
  path: '/data',
  kind: 'directory',
  problem: undefined,
  entries: [],
  ownerUid: 26,
  mode: 0o700,
  version: undefined,
  hasControlFile: false,
  elsewhere: [],
  ...change,
});
const complete = facts({
  entries: ['PG_VERSION', 'base', 'global', 'pg_wal'],
  version: '15',
  hasControlFile: true,
});
const judge = (observed: DataDirectoryFacts) => judgeDataDirectory(observed, 26, 15);
const refusal = (observed: DataDirectoryFacts) => {
  const verdict = judge(observed);
  return verdict.state === 'refuse' ? verdict.code : verdict.state;
};

describe('a new database is made only where there is nothing', () => {
  test('missing', () => expect(judge(facts({ kind: 'missing' }))).toEqual({ state: 'initialise' }));
  test('empty', () => expect(judge(facts({}))).toEqual({ state: 'initialise' }));
  test('lost+found', () =>
    expect(judge(facts({ entries: ['lost+found'] }))).toEqual({ state: 'initialise' }));
  test('remains that were moved aside', () =>
    expect(judge(facts({ entries: [`${abortedPrefix}1`] }))).toEqual({ state: 'initialise' }));
  test('not when an older image left its data beside', () =>
    expect(refusal(facts({ kind: 'missing', elsewhere: ['/var/lib/postgresql/data'] }))).toBe(
      'PGDATA_ELSEWHERE',
    ));
});

test('an interrupted copy of the primary is known by its marker alone', () => {
  const entries = [joinMarker, joinDirectory, 'PG_VERSION', 'lost+found'];
  const content = entries.filter((name) => name !== 'lost+found');
  expect(judge({ ...complete, entries })).toEqual({ state: 'discard copy', entries: content });
  expect(judge({ ...complete, entries: [joinDirectory, 'PG_VERSION'] }).state).not.toBe('discard copy');
});

describe('refusals', () => {
  test('another major', () => expect(refusal({ ...complete, version: '14' })).toBe('PGDATA_OTHER_MAJOR'));
  test('an old two-part version', () =>
    expect(refusal({ ...complete, version: '9.6' })).toBe('PGDATA_OTHER_MAJOR'));
  test('foreign files', () => expect(refusal(facts({ entries: ['holiday.jpg'] }))).toBe('PGDATA_NOT_EMPTY'));
  test('a file', () => expect(refusal(facts({ kind: 'not a directory' }))).toBe('PGDATA_NOT_EMPTY'));
  test('wrong owner', () => expect(refusal({ ...complete, ownerUid: 0 })).toBe('PGDATA_OWNER'));
  test('no PG_VERSION but parts of a data directory', () =>
    expect(refusal(facts({ entries: ['base', 'global'] }))).toBe('PGDATA_INCOMPLETE'));
  test('no control file', () =>
    expect(refusal({ ...complete, hasControlFile: false })).toBe('PGDATA_INCOMPLETE'));
  test('rubbish in PG_VERSION', () =>
    expect(refusal({ ...complete, version: '' })).toBe('PGDATA_INCOMPLETE'));
  test('unreadable', () =>
    expect(refusal(facts({ kind: 'unreadable', problem: 'EACCES' }))).toBe('PGDATA_UNREADABLE'));
  test("unreadable, since it is somebody else's", () =>
    expect(refusal(facts({ kind: 'unreadable', problem: 'EACCES', ownerUid: 99 }))).toBe('PGDATA_OWNER'));
});

describe('a complete directory', () => {
  test('starts', () => expect(judge(complete)).toEqual({ state: 'start', major: 15 }));
  test('0750 is allowed', () => expect(isTooOpen(0o750)).toBe(false));
  test.each([0o755, 0o770, 0o2770, 0o777])('%o is tightened', (mode) => expect(isTooOpen(mode)).toBe(true));
});

describe('an interrupted initialisation', () => {
  const interrupted = facts({ entries: [unfinishedMarker, 'PG_VERSION', 'base'], version: '15' });
  test('is moved aside', () =>
    expect(judge(interrupted)).toEqual({ state: 'set aside', entries: interrupted.entries }));
  test('is known by the place where initdb worked, too', () =>
    expect(judge(facts({ entries: [stagingDirectory] }))).toMatchObject({ state: 'set aside' }));
  test('but not for ever', () => {
    const entries = [...interrupted.entries, ...[1, 2, 3].map((n) => `${abortedPrefix}${n}`)];
    expect(refusal({ ...interrupted, entries })).toBe('INIT_ABORTED_TOO_OFTEN');
  });
});

test('nothing without our own marker is ever moved, and nothing that has content is initialised over', () => {
  const name = fc.oneof(
    fc.constantFrom(
      'PG_VERSION',
      'base',
      'global',
      'pg_wal',
      'postgresql.conf',
      'lost+found',
      '.init-staging',
      `${abortedPrefix}x`,
    ),
    fc.string({ minLength: 1 }),
  );
  const observed = fc.record({
    path: fc.constant('/data'),
    kind: fc.constantFrom(
      'missing' as const,
      'directory' as const,
      'not a directory' as const,
      'unreadable' as const,
    ),
    problem: fc.constant(undefined),
    entries: fc.uniqueArray(name),
    ownerUid: fc.constantFrom(0, 26),
    mode: fc.constantFrom(0o700, 0o755),
    version: fc.option(fc.constantFrom('15', '14', '', 'x'), { nil: undefined }),
    hasControlFile: fc.boolean(),
    elsewhere: fc.constant([]),
  });
  fc.assert(
    fc.property(observed, (seen) => {
      const verdict = judge(seen);
      if (verdict.state === 'set aside') {
        const ours = [unfinishedMarker, stagingDirectory];
        expect(seen.entries.some((entry) => ours.includes(entry))).toBe(true);
      }
      if (verdict.state === 'initialise' && seen.kind === 'directory') {
        expect(seen.entries.every((entry) => entry === 'lost+found' || entry.startsWith(abortedPrefix))).toBe(
          true,
        );
      }
    }),
    { numRuns: 3000 },
  );
});
