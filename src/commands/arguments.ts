/** Flags of the contract that take no value; Go programs also write them `--name=true` (contract 01, 1.3). */
const booleans = [
  'status-port-tls',
  'metrics-port-tls',
  'pprof-server',
  'log-truncate-destination',
  'zap-devel',
];

export interface SplitArguments {
  /** For the command line of the manager. */
  readonly own: readonly string[];
  /** For the server, after `postgres` (or instead of a command, as with the `postgres` image). */
  readonly server: readonly string[];
}

/**
 * Separates the arguments of the server: everything behind the word `postgres`, or behind `--`. A command line that
 * begins with one of the server's short options (`-c name=value`) means `postgres`, as the `postgres` image
 * understands it.
 */
export function splitServerArguments(argv: readonly string[]): SplitArguments {
  const first = argv[0] ?? '';
  if (/^-[A-Za-z]/.test(first) && first !== '-h') return { own: ['postgres'], server: argv };
  const end = argv.indexOf('--');
  if (end >= 0 && !argv.slice(0, end).includes('postgres')) {
    return { own: argv.slice(0, end), server: argv.slice(end + 1) };
  }
  const at = argv.indexOf('postgres');
  const isCommand = at >= 0 && argv.slice(0, at).every((argument) => argument.startsWith('--log-'));
  if (!isCommand) return { own: argv, server: [] };
  return { own: argv.slice(0, at + 1), server: argv.slice(at + 1) };
}

/** `--flag=true` and `--flag=false` become `--flag` and nothing. */
export function normaliseBooleans(argv: readonly string[]): string[] {
  return argv.flatMap((argument) => {
    const match = /^--([a-z-]+)=(true|false)$/.exec(argument);
    if (match === null || !booleans.includes(match[1] ?? '')) return [argument];
    return match[2] === 'true' ? [`--${match[1]}`] : [];
  });
}

/** Whether the server is only asked about itself (`--version`, `-C name`, …): no instance is started for that. */
export function asksServerOnly(server: readonly string[]): boolean {
  return server.some((argument) =>
    ['-?', '--help', '--describe-config', '-V', '--version', '-C'].includes(argument),
  );
}
