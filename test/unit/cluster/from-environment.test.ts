import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { firstBootWarnings, whyNotFirstBoot } from '../../../src/cluster/first-boot.ts';
import { firstBootFromCluster } from '../../../src/cluster/from-cluster.ts';
import { firstBootFromEnvironment } from '../../../src/cluster/from-environment.ts';
import { Secret } from '../../../src/cluster/secret.ts';
import { splitShellWords } from '../../../src/cluster/shell-words.ts';
import { ManagerError } from '../../../src/errors/manager-error.ts';

const noFiles = (path: string): string => {
  throw new Error(`ENOENT: ${path}`);
};
const from = (environment: Record<string, string>, readFile = noFiles) =>
  firstBootFromEnvironment(environment, readFile);

describe('the environment of the postgres image', () => {
  test('defaults', () => {
    expect(from({})).toMatchObject({
      superuser: 'postgres',
      database: 'postgres',
      initdbArguments: [],
      password: undefined,
    });
  });
  test('the database is named like the user unless it has a name', () => {
    expect(from({ POSTGRES_USER: 'bob' }).database).toBe('bob');
    expect(from({ POSTGRES_USER: 'bob', POSTGRES_DB: 'shop' }).database).toBe('shop');
  });
  test('arguments of initdb are words of a shell', () => {
    expect(from({ POSTGRES_INITDB_ARGS: `--locale='C' -k "--auth=x y"` }).initdbArguments).toEqual([
      '--locale=C',
      '-k',
      '--auth=x y',
    ]);
    expect(() => from({ POSTGRES_INITDB_ARGS: `--locale='C` })).toThrow(ManagerError);
  });
  test('files lose their line feeds at the end', () => {
    const plan = from(
      { POSTGRES_PASSWORD_FILE: '/secret', POSTGRES_USER_FILE: '/user' },
      (path) => `${path.slice(1)}\n\n`,
    );
    expect([plan.password?.reveal(), plan.superuser]).toEqual(['secret', 'user']);
  });
  test.each([
    [{ POSTGRES_PASSWORD: 'x', POSTGRES_PASSWORD_FILE: '/y' }, 'both'],
    [{ POSTGRES_DB_FILE: '/y' }, 'POSTGRES_DB_FILE: ENOENT'],
  ])('%j is refused', (environment, message) => {
    expect(() => from(environment as Record<string, string>)).toThrow(message);
  });
  test('empty means not set', () => {
    expect(from({ POSTGRES_PASSWORD: '', POSTGRES_USER: '', POSTGRES_PASSWORD_FILE: '' })).toMatchObject({
      superuser: 'postgres',
      password: undefined,
    });
  });
});

describe('a new database', () => {
  test('needs a password, or trust on purpose', () => {
    expect(whyNotFirstBoot(from({}))).toContain('no password');
    expect(whyNotFirstBoot(from({ POSTGRES_PASSWORD: 'x' }))).toBeUndefined();
    expect(whyNotFirstBoot(from({ POSTGRES_HOST_AUTH_METHOD: 'trust' }))).toBeUndefined();
    expect(whyNotFirstBoot(from({ POSTGRES_HOST_AUTH_METHOD: 'md5' }))).toContain('no password');
  });
  test('warns of trust and of a long password', () => {
    expect(firstBootWarnings(from({ POSTGRES_HOST_AUTH_METHOD: 'trust' }))).toHaveLength(1);
    expect(firstBootWarnings(from({ POSTGRES_PASSWORD: 'x'.repeat(100) }))).toHaveLength(1);
    expect(firstBootWarnings(from({ POSTGRES_PASSWORD: 'x'.repeat(99) }))).toEqual([]);
  });
  test('of a Cluster takes the defaults of the operator, and the password of the environment', () => {
    const cluster = {
      apiVersion: 'postgresql.cnpg.io/v1',
      kind: 'Cluster' as const,
      metadata: { name: 'demo' },
      spec: {},
    };
    const plan = firstBootFromCluster(cluster, from({ POSTGRES_PASSWORD: 'x' }));
    expect(plan).toMatchObject({ database: 'app', owner: 'app' });
    expect(plan.initdbArguments).toEqual(['--encoding=UTF8', '--lc-collate=C', '--lc-ctype=C']);
    expect(whyNotFirstBoot(firstBootFromCluster(cluster, from({})))).toBeUndefined();
  });
  test('of a Cluster with options uses those alone', () => {
    const initdb = { options: ['--locale=C'], dataChecksums: true };
    const cluster = {
      apiVersion: 'postgresql.cnpg.io/v1',
      kind: 'Cluster' as const,
      metadata: { name: 'demo' },
      spec: { bootstrap: { initdb } },
    };
    expect(firstBootFromCluster(cluster, from({})).initdbArguments).toEqual(['--locale=C']);
  });
});

test('a secret shows itself nowhere', () => {
  const secret = new Secret('hunter2');
  const plan = { ...from({ POSTGRES_PASSWORD: 'hunter2' }), secret };
  for (const text of [String(secret), `${secret}`, JSON.stringify(plan), inspect(plan, { depth: 9 })])
    expect(text).not.toContain('hunter2');
  expect(secret.reveal()).toBe('hunter2');
});

describe('words of a shell', () => {
  const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
  test('any list of words survives quoting', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (words) => {
        expect(splitShellWords(words.map(quoted).join(' '))).toEqual(words);
      }),
      { numRuns: 2000 },
    );
  });
  test.each([
    ['a  b\tc\nd', ['a', 'b', 'c', 'd']],
    [`a'b c'"d e"\\ f`, ['ab cd e f']],
    [`''  ""`, ['', '']],
    [`"\\$x \\"y\\" \\z"`, ['$x "y" \\z']],
    ['a\\\nb', ['ab']],
    ['', []],
  ])('%j', (text, words) => expect(splitShellWords(text)).toEqual(words));
  test.each([`'a`, `"a`, 'a\\'])('%j has no end', (text) =>
    expect(() => splitShellWords(text)).toThrow(/no closing|after the last/),
  );
});
