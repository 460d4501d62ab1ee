import { ManagerError, messageOf } from '../errors/manager-error.ts';
import { exitStatusOf } from '../process/exit-status.ts';
import type { SignalInbox } from '../process/signal-inbox.ts';
import { normaliseBooleans, splitServerArguments } from './arguments.ts';
import { buildProgram } from './program.ts';

/**
 * Runs one command line to its end.
 *
 * @param argv arguments after the program's name
 * @returns the exit status of the process
 */
export async function main(argv: readonly string[], inbox: SignalInbox): Promise<number> {
  const { own, server } = splitServerArguments(argv);
  // A command that waits for nothing simply ends; those that look after a server listen for themselves.
  inbox.listen((signal) => process.exit(exitStatusOf({ code: null, signal })));
  let status = 0;
  const program = buildProgram({ inbox, serverArguments: server, finish: (code) => (status = code) });
  try {
    await program.parseAsync(normaliseBooleans(own), { from: 'user' });
    return status;
  } catch (error) {
    return report(error);
  }
}

/** The parser has printed its own messages already; they carry an exit status. */
function report(error: unknown): number {
  if (
    error instanceof Error &&
    'exitCode' in error &&
    'code' in error &&
    String(error.code).startsWith('commander.')
  ) {
    return Number(error.exitCode);
  }
  if (error instanceof ManagerError) {
    process.stderr.write(`manager: ${error.code}: ${error.message}\n${error.remedy}\n`);
    return error.exitCode;
  }
  process.stderr.write(`manager: ${messageOf(error)}\n`);
  return 1;
}
