import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { component, hasProgram } from './component.ts';
import { mayMount, mount, run } from './mount.ts';

/** A file system of its own, which fsfreeze(8) can stop: every write waits then, as on storage that has gone away. */
export function makeVolume(directory: string): void {
  const image = `${directory}.img`;
  run('truncate', '-s', '256M', image);
  run('mkfs.ext4', '-q', '-F', image);
  mkdirSync(directory);
  mount(directory, '-o', 'loop', image);
  chmodSync(directory, 0o777);
}

/** @returns what lets writes go on; done in any case when the test is over, since nothing that waits can be killed */
export function freeze(directory: string): () => void {
  run('fsfreeze', '--freeze', directory);
  let isFrozen = true;
  const thaw = () => {
    if (isFrozen) run('fsfreeze', '--unfreeze', directory);
    isFrozen = false;
  };
  onTestFinished(thaw);
  return thaw;
}

function mayMountLoopDevices(): boolean {
  return (
    mayMount() && existsSync('/dev/loop0') && readFileSync('/proc/filesystems', 'utf8').includes('\text4\n')
  );
}

export const canFreeze = component(
  'a file system that can be frozen (CAP_SYS_ADMIN, loop devices, ext4; fsfreeze, mkfs.ext4)',
  () => hasProgram('fsfreeze') && hasProgram('mkfs.ext4'),
  mayMountLoopDevices,
);
