import type { Deed } from './demo.ts';
import { duration, plural } from './text.ts';
import type { Audit } from './writer.ts';

/** What came of it all: the write gap of everything that was done, and whether a row was lost. */
export function summaryLines(deeds: readonly Deed[], audit: Audit | undefined, rows: number): string[] {
  const texts = deeds.map(({ text }) => text.length);
  const width = Math.max(0, ...texts) + 4;
  const table = deeds.map(({ text, gap }) => `${text.padEnd(width)}${duration(gap.longest).padStart(9)}`);
  const head = `${'what was done'.padEnd(width)}${'write gap'.padStart(9)}`;
  return ['', ...(deeds.length === 0 ? [] : [head, ...table, '']), verdict(audit, rows)];
}

function verdict(audit: Audit | undefined, rows: number): string {
  if (rows === 0) return 'No row was acknowledged.';
  if (audit === undefined) return `No primary answers: ${plural(rows, 'acknowledged row')} not checked.`;
  const { primary, acknowledged, lost, unanswered } = audit;
  const more = unanswered === 0 ? '' : ` ${plural(unanswered, 'row')} more whose answer got lost.`;
  if (lost.length === 0) {
    return `${plural(acknowledged, 'row')} acknowledged, and every one of them is on ${primary}, the primary at the end.${more}`;
  }
  const some = lost.slice(0, 10).join(', ');
  return `LOST: ${plural(lost.length, 'row')} of ${acknowledged} acknowledged ones are not on ${primary}: ${some}${lost.length > 10 ? ' …' : ''}.${more}`;
}
