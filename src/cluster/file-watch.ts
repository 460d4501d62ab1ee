import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

/** Milliseconds between two looks, for changes that no event tells of: another machine's on a network file system. */
const fallbackPeriod = 3_000;
/** The same where there are no events at all, because the user has no inotify instance left. */
const blindPeriod = 100;

/**
 * Calls back when the text of a file is another one than before, a missing file being one without a text. The directory
 * is watched, since a replaced file is another file. What changed several times in one turn is told once.
 *
 * @param known text that the caller has seen last; undefined: the one that is there now
 * @returns the way to stop
 */
export function watchText(path: string, known: string | undefined, onChange: () => void): () => void {
  const name = basename(path);
  let isStopped = false;
  let isStale = false;
  let isBusy = false;
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(dirname(path), { persistent: false }, (_event, file) => {
      if (file === null || file === name) schedule();
    });
    watcher.on('error', () => watcher?.close());
  } catch {
    // ENOSPC, EMFILE: only the period is left.
  }
  const timer = setInterval(schedule, watcher === undefined ? blindPeriod : fallbackPeriod).unref();
  let last = known ?? readNow(path);
  // What changed between the caller's reading and the first event that could tell of it.
  if (known !== undefined) schedule();

  function schedule(): void {
    isStale = true;
    if (isBusy || isStopped) return;
    isBusy = true;
    setImmediate(() => void look());
  }

  async function look(): Promise<void> {
    while (isStale && !isStopped) {
      isStale = false;
      const text = await readFile(path, 'utf8').catch(() => undefined);
      if (isStopped || text === last) continue;
      last = text;
      onChange();
    }
    isBusy = false;
  }

  return () => {
    isStopped = true;
    clearInterval(timer);
    watcher?.close();
  };
}

function readNow(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
