import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { commitOfSources } from '../../../src/process/source-commit.ts';

test('the commit is the one that git names: of a branch, packed or not, of a worktree, and of no branch', () => {
  const home = mkdtempSync(join(tmpdir(), 'manager-unit-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const clone = join(home, 'clone');
  const worktree = join(home, 'worktree');
  const git = (...args: string[]) => {
    const who = ['-c', 'user.name=x', '-c', 'user.email=x@x'];
    return execFileSync('git', ['-C', clone, ...who, ...args], { encoding: 'utf8', stdio: 'pipe' }).trim();
  };
  execFileSync('git', ['init', '--quiet', clone]);
  expect(commitOfSources(clone)).toBe('unknown');
  git('commit', '--quiet', '--allow-empty', '-m', 'first');
  const first = git('rev-parse', '--short=12', 'HEAD');
  expect(commitOfSources(clone)).toBe(first);
  git('pack-refs', '--all');
  expect(commitOfSources(clone)).toBe(first);
  git('worktree', 'add', '--quiet', '-b', 'other', worktree);
  git('commit', '--quiet', '--allow-empty', '-m', 'second');
  expect(commitOfSources(worktree)).toBe(first);
  git('checkout', '--quiet', '--detach');
  expect(commitOfSources(clone)).toBe(git('rev-parse', '--short=12', 'HEAD'));
  expect(commitOfSources(home)).toBe('unknown');
});
