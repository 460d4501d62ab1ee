import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from './manager.ts';

const real = '/usr/lib/postgresql/15/bin';

export interface HeldProgram {
  /** For --bindir. */
  readonly directory: string;
  /** A file that is there as soon as the program is held. */
  readonly reached: string;
}

/** Before it begins, when it has died at the first file of more than 8 MiB, or when it has done its work. */
export type Moment = 'before' | 'amid' | 'after';

/** The programs of PostgreSQL, of which one waits for ever at some moment. */
export function programsWith(name: string, moment: Moment): HeldProgram {
  return replaced(name, ({ program, reached }) => {
    const work = `${program} "$@"`;
    // What is only rehearsed passes: there is nothing to interrupt.
    const rehearsal = `case "$1" in --dry-run) exec ${work};; esac\n`;
    const steps = {
      before: '',
      amid: `${rehearsal}(ulimit -f 16384; ${work})`,
      after: `${rehearsal}${work} || exit`,
    }[moment];
    return `${steps}\n: > ${reached}\nexec sleep 600`;
  });
}

/** The programs of PostgreSQL, of which the one that copies fails when it is called for the first time. */
export function failingCopy(): HeldProgram {
  return replaced('pg_basebackup', ({ program, reached }) => {
    const failure = `: > ${reached}\necho 'pg_basebackup: error: on purpose' >&2\nexit 1`;
    return `if [ -e ${reached} ]; then exec ${program} "$@"; fi\n${failure}`;
  });
}

/** The programs of PostgreSQL, of which the server has another name, and what it should be called is not there. */
export function renamedServer(name: string): HeldProgram {
  const held = replaced('postgres', ({ reached }) => `: > ${reached}\nexit 1`);
  symlinkSync(join(real, 'postgres'), join(held.directory, name));
  return held;
}

/** The programs of PostgreSQL, of which the one that copies takes a second for each MiB. */
export function slowCopy(): HeldProgram {
  return replaced(
    'pg_basebackup',
    ({ program, reached }) => `: > ${reached}\nexec ${program} "$@" --max-rate 1M`,
  );
}

/** The programs of PostgreSQL, whose server gets one more argument, behind all others. */
export function serverWithLast(argument: string): HeldProgram {
  return replaced('postgres', ({ program }) => `exec ${program} "$@" ${argument}`);
}

export interface SlowedProgram extends HeldProgram {
  readonly goOn: () => void;
}

/** The programs of PostgreSQL, of which pg_rewind, once it is to write, waits until it is told to go on. */
export function slowRewind(): SlowedProgram {
  const held = replaced('pg_rewind', ({ program, reached }) => {
    return `case "$1" in --dry-run) ;; *) mkfifo ${reached}; read -r _ < ${reached};; esac\nexec ${program} "$@"`;
  });
  return { ...held, goOn: () => writeFileSync(held.reached, 'go on\n', { flag: 'r+' }) };
}

function replaced(
  name: string,
  script: (places: { readonly program: string; readonly reached: string }) => string,
): HeldProgram {
  const home = temporaryDirectory();
  chmodSync(home, 0o777);
  const directory = join(home, 'bin');
  mkdirSync(directory);
  for (const program of readdirSync(real)) {
    if (program !== name && program !== 'postgres')
      symlinkSync(join(real, program), join(directory, program));
  }
  // The manager looks for the others where the server really is: this one must be here itself.
  const server = `#!/bin/sh\nexec ${join(real, 'postgres')} "$@"\n`;
  writeFileSync(join(directory, 'postgres'), server, { mode: 0o755 });
  const reached = join(home, 'reached');
  const text = `#!/bin/sh\n${script({ program: join(real, name), reached })}\n`;
  writeFileSync(join(directory, name), text, { mode: 0o755 });
  return { directory, reached };
}
