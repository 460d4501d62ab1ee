import { expect, test } from 'vitest';
import { freshObservation } from '../../../src/alignment/observation.ts';
import { concludeEnd } from '../../../src/instance/conclusion.ts';
import { ServerNotes } from '../../../src/instance/server-notes.ts';
import { createManagerLog } from '../../../src/logs/manager-log.ts';
import type { ChildExit } from '../../../src/process/exit-status.ts';
import { directoryWith } from './support.ts';

/** How the process ends after a server that ended by itself, on a disk with room: its status, and the code in the log. */
async function conclude(exit: ChildExit, message: string): Promise<[status: number, code: unknown]> {
  let code: unknown;
  const notes = new ServerNotes(freshObservation(0), () => {});
  notes.noteText(message);
  const format = { levelKey: 'level', timestampKey: 'ts', pod: undefined };
  const write = (line: string) => {
    code = (JSON.parse(line) as { code?: unknown }).code;
  };
  const status = await concludeEnd(
    { exit, mode: undefined, cause: undefined, silent: Promise.resolve() },
    {
      fault: undefined,
      notes,
      dataDirectory: directoryWith('pg_wal/000000010000000000000001'),
      log: createManagerLog({ format, level: 'error', write }),
      lastWords: async () => {},
    },
  );
  return [status, code];
}

const failed: ChildExit = { code: 1, signal: null };

test.each<[string, ChildExit, string, [number, string]]>([
  ['an error', failed, 'invalid value for parameter', [1, 'PARAMETER_INVALID']],
  ['KILL', { code: null, signal: 'SIGKILL' }, 'ready', [137, 'POSTGRES_FAILED']],
  ['a want of room that is over', failed, 'x: No space left on device', [1, 'POSTGRES_FAILED']],
])(
  'after %s the process has the status of the server, and the log a code that goes with it',
  async (...row) => {
    const [, exit, message, expected] = row;
    expect(await conclude(exit, message)).toEqual(expected);
  },
);
