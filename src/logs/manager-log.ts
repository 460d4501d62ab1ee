import { type Logger, pino } from 'pino';
import { ManagerError, messageOf } from '../errors/manager-error.ts';
import { type LineFormat, timestamp } from './line-format.ts';

export type { Logger };

/** Levels of --log-level (contract 02, 10.3) and what pino calls them. */
const levels: Readonly<Record<string, string>> = {
  error: 'error',
  warning: 'warn',
  info: 'info',
  debug: 'debug',
  trace: 'trace',
};

/** The level that pino understands; undefined for a word that is none. */
export function parseLevel(level: string): string | undefined {
  return levels[level];
}

/** Whether records of the server, which count as `info`, are to be seen at this level. */
export function showsServerRecords(level: string): boolean {
  return level !== 'error' && level !== 'warning';
}

/** Keys whose value never reaches the log. */
const secretKeys = ['password', 'passwd', 'secret', 'token'];

export interface ManagerLogOptions {
  readonly format: LineFormat;
  /** As given with --log-level. */
  readonly level: string;
  /** Takes one line with its line feed. */
  readonly write: (line: string) => void;
}

/** The manager's own log, in the form of contract 02, 10.2. Each part of the program uses a child with its name. */
export function createManagerLog(options: ManagerLogOptions): Logger {
  const { format } = options;
  const known = parseLevel(options.level);
  const log = pino(
    {
      level: known ?? 'info',
      base: format.pod === undefined ? {} : { logging_pod: format.pod },
      messageKey: 'msg',
      timestamp: () => `,"${format.timestampKey}":"${timestamp()}"`,
      formatters: {
        level: (label) => ({ [format.levelKey]: label === 'warn' ? 'warning' : label }),
        log: (fields) => ('error' in fields ? { ...fields, ...describeError(fields.error) } : fields),
      },
      redact: { paths: secretKeys.flatMap((key) => [key, `*.${key}`]), censor: '[secret]' },
    },
    { write: options.write },
  );
  if (known === undefined)
    log.info(
      { logger: 'instance-manager' },
      `unknown log level ${JSON.stringify(options.level)}: using info`,
    );
  return log;
}

/** The text of an error; one of the catalogue also brings its code and what to do. A stack only for the unexpected. */
function describeError(error: unknown): object {
  if (!(error instanceof ManagerError)) return { error: messageOf(error) };
  const stack = error.code === 'INTERNAL' ? { stacktrace: stackOf(error.cause) } : {};
  return { error: error.message, code: error.code, remedy: error.remedy, ...stack };
}

function stackOf(error: unknown): string | undefined {
  return error instanceof Error ? error.stack : undefined;
}
