/** How a file of the initialisation directory is used, by the rules of the `postgres` image. */
export type InitFileKind = 'script' | 'sql' | 'sql.gz' | 'sql.xz' | 'sql.zst' | 'ignored';

/** The kind of a file, by its name alone. */
export function initFileKind(name: string): InitFileKind {
  if (name.endsWith('.sh')) return 'script';
  if (name.endsWith('.sql')) return 'sql';
  if (name.endsWith('.sql.gz')) return 'sql.gz';
  if (name.endsWith('.sql.xz')) return 'sql.xz';
  if (name.endsWith('.sql.zst')) return 'sql.zst';
  return 'ignored';
}

/** Name order as the C locale has it, whatever the environment says: the same order on every machine. */
export function inNameOrder(names: readonly string[]): string[] {
  return names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
