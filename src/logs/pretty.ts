import type { LineFormat } from './line-format.ts';

const reset = '\u001b[0m';
/** ANSI colours by level and severity. */
const colours: Readonly<Record<string, string>> = {
  error: '\u001b[31m',
  ERROR: '\u001b[31m',
  FATAL: '\u001b[31m',
  PANIC: '\u001b[31m',
  warning: '\u001b[33m',
  WARNING: '\u001b[33m',
};
const labelWidth = 7;
/** Fields of a server's record that get a line of their own. */
const details = ['detail', 'hint', 'context', 'query'] as const;

type Fields = Readonly<Record<string, unknown>>;

/**
 * One log line for people: `12:34:56.789 LOG      postgres  message`, details below it. A line that is not one of ours
 * stays as it is.
 *
 * @param line JSON, without the line feed
 */
export function prettyLine(line: string, format: LineFormat, hasColours: boolean): string {
  let fields: Fields;
  try {
    fields = JSON.parse(line) as Fields;
  } catch {
    return line;
  }
  const {
    [format.levelKey]: level,
    [format.timestampKey]: time,
    logger,
    msg,
    record,
    logging_pod: _pod,
    ...rest
  } = fields;
  const server = typeof record === 'object' && record !== null ? (record as Fields) : undefined;
  const label = String(server?.error_severity ?? level ?? '').toUpperCase();
  const colour = hasColours ? (colours[label] ?? colours[String(level)]) : undefined;
  const text = server === undefined ? `${String(msg)}${inline(rest)}` : serverText(server);
  const head = `${String(time).slice(11, 23)} ${label.padEnd(labelWidth)} ${String(logger ?? '').padEnd(9)} ${text}`;
  const below =
    server === undefined
      ? []
      : details.flatMap((key) => (server[key] ? [`    ${key}: ${String(server[key])}`] : []));
  const whole = [head, ...below].join('\n');
  return colour === undefined ? whole : `${colour}${whole}${reset}`;
}

function serverText(record: Fields): string {
  const who = [record.user_name, record.database_name].filter(Boolean).join('@');
  const audit = record.audit === undefined ? '' : JSON.stringify(record.audit);
  return `${who === '' ? '' : `[${who}] `}${String(record.message ?? audit)}`;
}

function inline(fields: Fields): string {
  const parts = Object.entries(fields).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return parts.length === 0 ? '' : `  ${parts.join(' ')}`;
}
