/** Between these lines of a Markdown file the demo writes what it has shown. */
export const recordingBegins = '<!-- demo: begin -->';
export const recordingEnds = '<!-- demo: end -->';

/**
 * The text with another recording in it.
 *
 * @returns undefined when the text has no place for one
 */
export function withRecording(text: string, lines: readonly string[]): string | undefined {
  const begin = text.indexOf(recordingBegins);
  const end = text.indexOf(recordingEnds, begin);
  if (begin < 0 || end < 0) return undefined;
  const block = lines.map((line) => `    ${line}`.trimEnd()).join('\n');
  return `${text.slice(0, begin)}${recordingBegins}\n\n${block}\n\n${text.slice(end)}`;
}
