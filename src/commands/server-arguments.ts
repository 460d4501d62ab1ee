import { logPathParameters } from '../postgres/surroundings.ts';

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

/** The arguments that have no effect, since the settings of the log path are the manager's (instance/server-arguments.ts). */
export function findOverruledArguments(server: readonly string[]): string[] {
  return serverOptions(server)
    .filter((option) => logPathParameters.has(parameterOf(option) ?? ''))
    .map(({ text }) => text);
}

function isForeign(option: ServerOption): boolean {
  const { letter, value } = option;
  if (letter === 'D' || (letter === 'k' && value === '')) return true;
  const parameter = parameterOf(option);
  if (parameter === 'unix_socket_directories') return /=\s*$/.test(value);
  return parameter === 'data_directory';
}

/** The parameter that it sets: names are written in any case, and on a command line with hyphens too. */
function parameterOf({ letter, value }: ServerOption): string | undefined {
  if (letter !== 'c' && letter !== '-') return undefined;
  return value.replace(/=.*$/s, '').replaceAll('-', '_').toLowerCase();
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
