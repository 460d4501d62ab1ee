import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { replicationPassfile } from '../../../src/cluster/passfile.ts';
import { openLibc } from '../../../src/process/libc.ts';
import { temporaryDirectory } from '../../support/manager.ts';

const libc = openLibc();

function fileOf(): string {
  const path = join(temporaryDirectory(), 'cluster.yaml');
  writeFileSync(path, '');
  return path;
}

test('the password file is made once, for its owner alone, in the format of libpq', async () => {
  const path = fileOf();
  const found = await Promise.all([1, 2, 3, 4].map(() => replicationPassfile(path, libc)));
  const text = readFileSync(`${path}.passfile`, 'utf8');
  expect(text).toMatch(/^\*:\*:\*:streaming_replica:[\w-]{32}\n$/);
  for (const { path: passfile, password } of found) {
    expect(passfile).toBe(`${path}.passfile`);
    expect(text).toContain(`:${password.reveal()}\n`);
  }
  expect(statSync(`${path}.passfile`).mode & 0o777).toBe(0o600);
  expect(inspect(found, { depth: 9 })).not.toContain(found[0]!.password.reveal());
});

test('two Clusters have two passwords', async () => {
  const [one, other] = await Promise.all([fileOf(), fileOf()].map((path) => replicationPassfile(path, libc)));
  expect(one!.password.reveal()).not.toBe(other!.password.reveal());
});

test.each([
  ['a file that others may read', '*:*:*:streaming_replica:x\n', 0o644, 'chmod 0600'],
  ['a file without the line', 'localhost:*:*:postgres:x\n', 0o600, 'has no line'],
])('%s is refused', async (_, text, mode, message) => {
  const path = fileOf();
  writeFileSync(`${path}.passfile`, text);
  chmodSync(`${path}.passfile`, mode);
  const refused = replicationPassfile(path, libc);
  await expect(refused).rejects.toMatchObject({ code: 'SECRET_UNREADABLE' });
  await expect(refused).rejects.toThrow(message);
});

test('without a directory to write it is refused', async () => {
  await expect(replicationPassfile('/nonexistent/cluster.yaml', libc)).rejects.toMatchObject({
    code: 'SECRET_UNREADABLE',
  });
});
