import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Libc } from '../process/libc.ts';
import { syncDirectory } from './atomic-file.ts';

/**
 * From before pg_rewind writes until it has ended well, a name in PGDATA tells under which boot of the machine it writes. It
 * makes pg_control last before it syncs the rest (pg_rewind.c, perform_rewind and sync_target_dir): after a loss of power
 * a directory may look complete, and have old pages in it. A FIFO for the reason that src/instance/control-file-copy.ts gives.
 */
const prefix = '.rewind-unsynced-';

export function markUnsynced(dataDirectory: string, libc: Libc): void {
  const mark = prefix + presentBoot();
  if (!marksIn(dataDirectory).includes(mark)) libc.mkfifo(join(dataDirectory, mark), 0o600);
  syncDirectory(dataDirectory);
}

export function removeUnsyncedMark(dataDirectory: string): void {
  for (const name of marksIn(dataDirectory)) rmSync(join(dataDirectory, name));
  syncDirectory(dataDirectory);
}

/** Whether the machine has gone down, or the volume come to another one, before all that pg_rewind wrote was synced. */
export function hasLostPower(dataDirectory: string): boolean {
  return marksIn(dataDirectory).some((name) => name !== prefix + presentBoot());
}

function marksIn(dataDirectory: string): string[] {
  return readdirSync(dataDirectory).filter((name) => name.startsWith(prefix));
}

/** An id that the kernel draws when it starts (random(4)). */
function presentBoot(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
