import { writeFileSync } from 'node:fs';
import { systemErrorCode } from '../errors/manager-error.ts';

/** Files of /proc/self and what is written there. */
const settings: Readonly<Record<string, string>> = {
  /** The name in ps, and in the log of the kernel. */
  comm: 'manager',
  /** Anonymous memory, private and shared, and ELF headers (core(5)); children inherit it (contract 04, 1.8). */
  coredump_filter: '0x31',
};

/**
 * Tells the kernel what it should know of this process. Where /proc does not allow it, nothing depends on it: as after a
 * change of user, when the files are root's.
 */
export function tellKernel(): void {
  for (const [file, text] of Object.entries(settings)) {
    try {
      writeFileSync(`/proc/self/${file}`, text);
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
    }
  }
}
