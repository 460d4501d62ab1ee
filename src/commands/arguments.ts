/** Flags of the contract that take no value; Go programs also write them `--name=true` (contract 01, 1.3). */
const booleans = [
  'status-port-tls',
  'metrics-port-tls',
  'pprof-server',
  'log-truncate-destination',
  'zap-devel',
];

/** Options that every command takes, also before its name, and whose value may be the next word (contract 01, 1.4). */
const loggingWithValue = [
  ...['--log-level', '--log-format', '--log-destination', '--log-field-level', '--log-field-timestamp'],
  ...['--zap-encoder', '--zap-log-level', '--zap-stacktrace-level', '--zap-time-encoding'],
];

export interface SplitArguments {
  /** For the command line of the manager. */
  readonly own: readonly string[];
  /** For the server, after `postgres` (or instead of a command, as with the `postgres` image). */
  readonly server: readonly string[];
}

/**
 * Separates the arguments of the server: everything behind the command `postgres`, or behind `--` of another command. One of
 * the server's short options (`-c name=value`) in the place of a command means `postgres`, as the `postgres` image
 * understands it.
 */
export function splitServerArguments(argv: readonly string[]): SplitArguments {
  const at = commandPosition(argv);
  const command = argv[at] ?? '';
  if (/^-[A-Za-z]/.test(command) && command !== '-h') {
    return { own: [...argv.slice(0, at), 'postgres'], server: argv.slice(at) };
  }
  const end = command === 'postgres' ? at : argv.indexOf('--');
  if (end < 0) return { own: argv, server: [] };
  return { own: argv.slice(0, command === 'postgres' ? end + 1 : end), server: argv.slice(end + 1) };
}

/** Where the word stands that follows the options for the log; the number of words when there is none. */
function commandPosition(argv: readonly string[]): number {
  let at = 0;
  while (/^--(log|zap)-/.test(argv[at] ?? '')) at += loggingWithValue.includes(argv[at] ?? '') ? 2 : 1;
  return at;
}

/**
 * The first of the words that `instance run` does not know which is no option of a newer operator either: those are passed
 * over (contract 01, 1.3), but none of them has one letter, or an underscore. It is meant for the server, which would run
 * without it, and so perhaps without a restriction of access.
 */
export function findMisplaced(unknown: readonly string[]): string | undefined {
  return unknown.find((word) => /^-[A-Za-z]|^--\w+_/.test(word));
}

/** `--flag=true` and `--flag=false` become `--flag` and nothing. */
export function normaliseBooleans(argv: readonly string[]): string[] {
  return argv.flatMap((argument) => {
    const match = /^--([a-z-]+)=(true|false)$/.exec(argument);
    if (match === null || !booleans.includes(match[1] ?? '')) return [argument];
    return match[2] === 'true' ? [`--${match[1]}`] : [];
  });
}
