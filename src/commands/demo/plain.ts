import type { Entry } from './chronicle.ts';
import { secondsColumn, wrap } from './text.ts';

/** Characters of a line of explanation: so that it also fits into a page. */
const width = 100;

/** An entry as lines of plain text; what explains the rest stands apart from it. */
export function plainLines({ at, who, text }: Entry): string[] {
  if (who === '') return ['', ...wrap(text.split(' '), ' ', width).map((line) => `# ${line}`)];
  return [`${secondsColumn(at)}  ${who.padEnd(8)}${who === 'you' ? '> ' : '  '}${text}`];
}
