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

/** One option of the server, as it stands on its command line. */
interface ServerOption {
  readonly letter: string;
  readonly value: string;
  readonly text: string;
}

/**
 * The argument by which the server would do what the manager must know of, if there is one: use another data directory than
 * the one that is locked and looked after, or have no socket, over which it is asked (`-D`, `-k`, and the parameters
 * `data_directory` and `unix_socket_directories` in any of their spellings; PostgreSQL manual, postgres).
 */
export function findForeignArgument(server: readonly string[]): string | undefined {
  return serverOptions(server).find(isForeign)?.text;
}

function isForeign({ letter, value }: ServerOption): boolean {
  if (letter === 'D' || (letter === 'k' && value === '')) return true;
  if (letter !== 'c' && letter !== '-') return false;
  // Names of parameters are written in any case, and on a command line with hyphens too.
  return /^data[-_]directory(=|$)|^unix[-_]socket[-_]directories=\s*$/i.test(value);
}

function serverOptions(server: readonly string[]): ServerOption[] {
  const options: ServerOption[] = [];
  for (let at = 0; at < server.length && server[at] !== '--'; at += 1) {
    const word = server[at] ?? '';
    const place = word.startsWith('-') ? [...word].findIndex((letter, i) => i > 0 && takesValue(letter)) : -1;
    if (place < 0) continue;
    const attached = word.slice(place + 1);
    if (attached === '') at += 1;
    const value = attached === '' ? (server[at] ?? '') : attached;
    const text = attached === '' ? `${word} ${value || "''"}` : word;
    options.push({ letter: word.charAt(place), value, text });
  }
  return options;
}

function takesValue(letter: string): boolean {
  return optionsWithValue.includes(letter);
}
