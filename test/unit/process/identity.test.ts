import { describe, expect, test } from 'vitest';
import { serverEnvironment } from '../../../src/process/environment.ts';
import { describeExit, exitStatusOf, signalName } from '../../../src/process/exit-status.ts';
import { chooseIdentity, findIdentity } from '../../../src/process/identity.ts';

const passwd =
  'root:x:0:0:root:/root:/bin/sh\npostgres:x:101:104::/var/lib/postgresql:/bin/sh\nbroken\nx:y:z:1\n';

describe('whom root becomes', () => {
  test('the owner of PGDATA', () => {
    expect(chooseIdentity({ dataDirectoryOwner: { uid: 700, gid: 7 }, passwd })).toEqual({
      uid: 700,
      gid: 7,
      name: undefined,
    });
  });
  test('with the name and group of the passwd file where it is there', () => {
    expect(chooseIdentity({ dataDirectoryOwner: { uid: 101, gid: 0 }, passwd })).toEqual({
      uid: 101,
      gid: 104,
      name: 'postgres',
    });
  });
  test("the user postgres when PGDATA is root's or missing", () => {
    for (const dataDirectoryOwner of [{ uid: 0, gid: 0 }, undefined]) {
      expect(chooseIdentity({ dataDirectoryOwner, passwd }).name).toBe('postgres');
    }
  });
  test('26 when there is no such user', () => {
    expect(chooseIdentity({ dataDirectoryOwner: undefined, passwd: '' })).toEqual({
      uid: 26,
      gid: 26,
      name: undefined,
    });
  });
  test('never root, whatever the passwd file says', () => {
    expect(
      chooseIdentity({ dataDirectoryOwner: { uid: 0, gid: 0 }, passwd: 'postgres:x:0:0::/:/bin/sh' }).uid,
    ).toBe(26);
  });
  test('an unknown user has no entry', () => {
    expect(findIdentity(passwd, 12345)).toBeUndefined();
    expect(findIdentity(passwd, 101)?.name).toBe('postgres');
  });
});

describe('exit status', () => {
  test.each([
    [{ code: 0, signal: null }, 0],
    [{ code: 1, signal: null }, 1],
    [{ code: 4, signal: null }, 1],
    [{ code: null, signal: 'SIGKILL' as const }, 137],
    [{ code: null, signal: 'SIGSEGV' as const }, 139],
  ])('%j is %i', (exit, status) => {
    expect(exitStatusOf(exit)).toBe(status);
    expect(describeExit(exit)).toMatch(/^(exit status \d|signal SIG[A-Z]+)$/);
  });
  test('signal numbers have names', () => {
    expect(signalName(9)).toBe('SIGKILL');
    expect(signalName(200)).toBeUndefined();
  });
});

test('programs of the server do not get to see secrets', () => {
  const env = serverEnvironment(
    { PATH: '/bin', POSTGRES_PASSWORD: 's3cret', PGPASSWORD: 's3cret' },
    { PGDATA: '/data' },
  );
  expect(JSON.stringify(env)).not.toContain('s3cret');
  expect(env).toMatchObject({ PATH: '/bin', PGDATA: '/data', PG_OOM_ADJUST_VALUE: '0' });
});
