/** A name for SQL: always quoted, so that no name is a key word and its letters keep their case. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A string for SQL. A backslash would mean something under standard_conforming_strings=off, so it is spelled out. */
export function quoteLiteral(text: string): string {
  const quoted = text.replaceAll("'", "''");
  return quoted.includes('\\') ? ` E'${quoted.replaceAll('\\', '\\\\')}'` : `'${quoted}'`;
}

const configurationEscapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "''",
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
};

/** A value for postgresql.conf and its kin: always in quotes (contract 04, 4.2; guc-file.l). */
export function quoteSetting(value: string): string {
  return `'${value.replace(/[\\'\n\r\t\b\f]/g, (character) => configurationEscapes[character] ?? character)}'`;
}
