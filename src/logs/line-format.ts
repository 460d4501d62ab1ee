/** What is the same in every line (contract 02, 10.2). */
export interface LineFormat {
  /** --log-field-level */
  readonly levelKey: string;
  /** --log-field-timestamp */
  readonly timestampKey: string;
  /** POD_NAME; undefined: no such field. */
  readonly pod: string | undefined;
}

/** RFC 3339 in UTC with milliseconds: text order is time order. */
export function timestamp(): string {
  return new Date().toISOString();
}

/** The beginning of a line, up to and without the first field of its own. */
export function linePrefix(format: LineFormat, level: string, logger: string, message: string): string {
  const head = {
    [format.levelKey]: level,
    [format.timestampKey]: timestamp(),
    logger,
    msg: message,
    ...(format.pod === undefined ? {} : { logging_pod: format.pod }),
  };
  return JSON.stringify(head).slice(0, -1);
}

/** A whole line with fields of its own, with the line feed. */
export function formatLine(
  format: LineFormat,
  logger: string,
  message: string,
  fields: Readonly<Record<string, unknown>>,
): string {
  const rest = JSON.stringify(fields).slice(1);
  return `${linePrefix(format, 'info', logger, message)}${rest === '}' ? '' : ','}${rest}\n`;
}
