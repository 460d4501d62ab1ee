import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withPasswdEntry } from '../../../src/process/passwd-entry.ts';
import { temporaryDirectory } from '../../support/manager.ts';

const unknown = { uid: 12_345, gid: 0, isKnown: false };
const env = { PATH: '/bin' };

test('a user with a name needs nothing', () => {
  expect(withPasswdEntry(env, '/nowhere', { ...unknown, isKnown: true }, [])).toBe(env);
});

test.each([['.'], ['x86_64-linux-gnu']])('a user without one gets it from a library in %s', (place) => {
  const home = temporaryDirectory();
  mkdirSync(join(home, place), { recursive: true });
  const library = join(home, place, 'libnss_wrapper.so');
  writeFileSync(library, '');
  const found = withPasswdEntry({ ...env, LD_PRELOAD: 'other.so' }, home, unknown, ['/nowhere', home]);
  expect(found).toMatchObject({ PATH: '/bin', LD_PRELOAD: `${library}:other.so` });
  expect(readFileSync(found.NSS_WRAPPER_PASSWD ?? '', 'utf8')).toMatch(/^postgres:x:12345:0:/);
  expect(readFileSync(found.NSS_WRAPPER_GROUP ?? '', 'utf8')).toBe('postgres:x:0:\n');
});

test('without the library it is refused, with what to do', () => {
  expect(() => withPasswdEntry(env, '/nowhere', unknown, ['/nowhere'])).toThrow(
    expect.objectContaining({
      code: 'USER_WITHOUT_NAME',
      remedy: expect.stringContaining('libnss-wrapper'),
    }) as Error,
  );
});
