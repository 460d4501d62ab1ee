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

/** Options of postgres that take a value: its getopt string, in which `--name=value` is the option `-`. */
const optionsWithValue = 'BCcDdfhkNprStvW-';

/**
 * The argument by which the server would use another data directory than the one that is locked and looked after, if there
 * is one: `-D`, or the parameter `data_directory` in any of its spellings (PostgreSQL manual, postgres).
 */
export function findDataDirectory(server: readonly string[]): string | undefined {
  for (let at = 0; at < server.length && server[at] !== '--'; at += 1) {
    const word = server[at] ?? '';
    const place = word.startsWith('-') ? [...word].findIndex((letter, i) => i > 0 && takesValue(letter)) : -1;
    if (place < 0) continue;
    const option = word.charAt(place);
    const attached = word.slice(place + 1);
    if (attached === '') at += 1;
    const value = attached === '' ? (server[at] ?? '') : attached;
    if (option === 'D' || ('c-'.includes(option) && isDataDirectory(value))) {
      return attached === '' ? `${word} ${value}` : word;
    }
  }
  return undefined;
}

function takesValue(letter: string): boolean {
  return optionsWithValue.includes(letter);
}

/** Names of parameters are written in any case, and on a command line with hyphens too. */
function isDataDirectory(setting: string): boolean {
  return /^data[-_]directory(=|$)/i.test(setting);
}
