/** PostgreSQL's text form of a WAL position: upper-case hexadecimal halves without padding. */
export function formatLsn(position: bigint): string {
  const high = (position >> 32n).toString(16).toUpperCase();
  const low = (position & 0xffff_ffffn).toString(16).toUpperCase();
  return `${high}/${low}`;
}

/** Bytes since the beginning of WAL; undefined when the text is no WAL position. */
export function parseLsn(text: string): bigint | undefined {
  const match = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text);
  if (match === null) return undefined;
  return (BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`);
}

/** The position that comes first; Math.min takes no bigint. */
export function earlierLsn(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}

/** The position that comes last. */
export function laterLsn(a: bigint, b: bigint): bigint {
  return a === earlierLsn(a, b) ? b : a;
}
