import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { component } from '../../support/component.ts';
import { temporaryDirectory } from '../../support/manager.ts';

const module = join(import.meta.dirname, '..', '..', '..', 'src', 'process', 'step-down.ts');

test.runIf(component('root', () => process.getuid?.() === 0))(
  'a directory that cannot be made keeps nobody root, and the others are given all the same',
  () => {
    const home = temporaryDirectory();
    const [data, other] = [join(home, 'data'), join(home, 'other')];
    // Below a device not even root makes anything, as on a read-only file system.
    const script = `
      const { stepDown } = await import(${JSON.stringify(module)});
      stepDown(${JSON.stringify(data)}, ['/dev/null/manager', ${JSON.stringify(other)}]);
      process.stdout.write(String(process.getuid()));`;
    const ended = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect(ended.stderr).toBe('');
    expect(ended.stdout).not.toBe('0');
    expect([data, other].map((path) => String(statSync(path).uid))).toEqual([ended.stdout, ended.stdout]);
  },
);
