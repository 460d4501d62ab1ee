import { auditTag, type ServerRecord } from './record-fields.ts';

const columns = [
  'audit_type',
  'statement_id',
  'substatement_id',
  'class',
  'command',
  'object_type',
  'object_name',
  'statement',
  'parameter',
  'rows',
] as const;

/** A record of the server, with what pgaudit put into its message taken apart. */
export type AuditRecord = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

/**
 * Splits a pgaudit record (contract 02, 10.5): `message` gives way to `audit`. Undefined when the message is not one
 * of pgaudit with 9 or 10 columns; the record is then logged as it is.
 */
export function splitAudit(record: ServerRecord): AuditRecord | undefined {
  const { message, ...rest } = record;
  if (message === undefined || !message.startsWith(auditTag)) return undefined;
  const values = parseCsvLine(message.slice(auditTag.length));
  if (values === undefined || (values.length !== 9 && values.length !== 10)) return undefined;
  const named = columns.map((name, index) => [name, values[index] ?? ''] as const);
  return { ...rest, audit: Object.fromEntries(named.filter(([, value]) => value !== '')) };
}

/** One CSV record, line feeds inside of quotes allowed; undefined when a quote is out of place. */
export function parseCsvLine(text: string): string[] | undefined {
  const values: string[] = [];
  const field = /(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(,|$)/y;
  for (;;) {
    const match = field.exec(text);
    if (match === null) return undefined;
    values.push(match[1] === undefined ? (match[2] ?? '') : match[1].replaceAll('""', '"'));
    if (match[3] === '') return field.lastIndex === text.length ? values : undefined;
  }
}
