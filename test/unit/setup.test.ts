import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { isComplete, isInstalled, type Lock } from '../../bin/setup.ts';

const repository = join(import.meta.dirname, '..', '..');
const pg = { version: '8.0.0', integrity: 'sha512-pg' };
const other = { version: '1.0.0', integrity: 'sha512-other', optional: true };
const tool = { version: '2.0.0', integrity: 'sha512-tool', dev: true };
const lock = (packages: Lock['packages']): Lock => ({ packages: packages ?? {} });
const wanted = lock({
  '': { version: '0.1.0' },
  'node_modules/pg': pg,
  'node_modules/other': other,
  'node_modules/tool': tool,
});

describe('what package-lock.json names', () => {
  const all = { 'node_modules/pg': pg, 'node_modules/tool': tool };
  test.each<[string, Lock | undefined, boolean]>([
    ['is there, but for what fits another machine', lock(all), true],
    ['is there, and more', lock({ ...all, 'node_modules/linked': pg }), true],
    ['was never installed, or not to the end', undefined, false],
    ['lacks a package', lock({ 'node_modules/tool': tool }), false],
    ['lacks what is for development', lock({ 'node_modules/pg': pg }), false],
    ['has another version', lock({ ...all, 'node_modules/pg': { ...pg, version: '7.0.0' } }), false],
    ['has other content', lock({ ...all, 'node_modules/pg': { ...pg, integrity: 'sha512-x' } }), false],
    [
      'has another version of what is optional',
      lock({ ...all, 'node_modules/other': { ...other, version: '0.9.0' } }),
      false,
    ],
  ])('%s', (_, installed, expected) => expect(isComplete(wanted, installed)).toBe(expected));
  test('without what is for development', () => {
    expect(isComplete(wanted, lock({ 'node_modules/pg': pg }), true)).toBe(true);
  });
});

test('what is installed here is found to be complete', () => expect(isInstalled(repository)).toBe(true));

test('npm run setup installs when the packages are of another lock file, and else nothing', () => {
  const clone = mkdtempSync(join(tmpdir(), 'manager-setup-'));
  onTestFinished(() => rmSync(clone, { recursive: true, force: true }));
  for (const name of ['package.json', 'package-lock.json', 'bin', 'node_modules/.package-lock.json'])
    cpSync(join(repository, name), join(clone, name), { recursive: true });
  const node = join(clone, 'node_modules', 'node', 'bin');
  mkdirSync(node, { recursive: true });
  writeFileSync(join(node, 'node'), `#!/bin/sh\nexec ${process.execPath} "$@"\n`, { mode: 0o755 });
  // It only says that it was called.
  mkdirSync(join(clone, 'fake'));
  writeFileSync(join(clone, 'fake', 'npm'), '#!/bin/sh\necho "npm $*"\n', { mode: 0o755 });
  const { scripts } = JSON.parse(readFileSync(join(clone, 'package.json'), 'utf8')) as {
    scripts: { setup: string };
  };
  const setup = () =>
    execFileSync('sh', ['-c', scripts.setup], {
      cwd: clone,
      env: { PATH: `${join(clone, 'fake')}:${process.env.PATH}` },
      encoding: 'utf8',
    });
  expect(setup()).toBe('');
  const path = join(clone, 'package-lock.json');
  writeFileSync(path, readFileSync(path, 'utf8').replace('"version": "8.23.1"', '"version": "8.23.0"'));
  expect(setup()).toMatch(/^npm ci /);
  rmSync(join(clone, 'node_modules', '.package-lock.json'));
  expect(setup()).toMatch(/^npm ci /);
});
