import { describe, expect, test } from 'vitest';
import { firstBootFromEnvironment } from '../../../src/cluster/from-environment.ts';
import { findUnusableValue } from '../../../src/cluster/unusable-value.ts';

const judge = (environment: Record<string, string>) =>
  findUnusableValue(firstBootFromEnvironment({ POSTGRES_PASSWORD: 'x', ...environment }, () => ''));

describe('arguments of initdb', () => {
  test.each([
    ['-D /elsewhere', 'PGDATA'],
    ['-D/elsewhere', 'PGDATA'],
    ['-kD /elsewhere', 'PGDATA'],
    ['--pgdata=/elsewhere', 'PGDATA'],
    ['--pgdata /elsewhere', 'PGDATA'],
    ['--pgd /elsewhere', 'PGDATA'],
    ['-E UTF8 -U bob', 'POSTGRES_USER'],
    ['--username=bob', 'POSTGRES_USER'],
    ['--pwfile=/secret', 'POSTGRES_PASSWORD_FILE'],
    ['-W', 'POSTGRES_PASSWORD_FILE'],
    ['--pwprompt', 'POSTGRES_PASSWORD_FILE'],
    ['--show', 'makes no database'],
    ['-?', 'makes no database'],
  ])('%s is refused', (text, instead) => {
    const refusal = judge({ POSTGRES_INITDB_ARGS: text });
    expect(refusal).toMatch(/^POSTGRES_INITDB_ARGS/);
    expect(refusal).toContain(instead);
  });
  test.each([
    ['-k -E UTF8 --locale=C --wal-segsize=32 -c shared_buffers=1MB'],
    ['-A -D'],
    ['-cD=1 -T -U'],
    ['-- -D'],
    ['--waldir=/wal'],
    ['-X /wal'],
  ])('%s is not', (text) => expect(judge({ POSTGRES_INITDB_ARGS: text })).toBeUndefined());
  test('what only contradicts another variable is refused beside it', () => {
    const wal = { POSTGRES_INITDB_WALDIR: '/wal' };
    expect(judge({ ...wal, POSTGRES_INITDB_ARGS: '-X /other' })).toContain('POSTGRES_INITDB_WALDIR alone');
    expect(judge({ POSTGRES_PASSWORD: '', POSTGRES_INITDB_ARGS: '--pwfile=/secret' })).toBeUndefined();
  });
});

describe('methods of pg_hba.conf', () => {
  test.each(['trust', 'md5', 'ident map=x', ' scram-sha-256 ', 'ldap ldapserver=a', 'gss', 'reject'])(
    '%s may do',
    (method) => expect(judge({ POSTGRES_HOST_AUTH_METHOD: method })).toBeUndefined(),
  );
  test.each([
    ['bogus', /bogus is no method.*scram-sha-256/],
    ['Trust', /is no method/],
    ['trust,md5', /is no method/],
    [' ', /is no method/],
    ['peer', /local sockets only/],
    ['cert clientcert=1', /hostssl only/],
  ])('%s is refused', (method, message) => {
    expect(judge({ POSTGRES_HOST_AUTH_METHOD: method })).toMatch(message);
  });
});

test('a directory for WAL is an absolute path', () => {
  expect(judge({ POSTGRES_INITDB_WALDIR: 'wal' })).toContain('POSTGRES_INITDB_WALDIR: wal');
  expect(judge({ POSTGRES_INITDB_WALDIR: '/wal' })).toBeUndefined();
});

test('a superuser has no double quote in its name, and may have all else', () => {
  expect(judge({ POSTGRES_USER: 'we"ird' })).toContain('POSTGRES_USER');
  expect(judge({ POSTGRES_USER: "it's \\ fine" })).toBeUndefined();
});
