/**
 * Splits a text into words as a Bourne shell does: blanks separate, single quotes, double quotes and backslashes join.
 * Nothing is expanded. An empty pair of quotes is an empty word.
 *
 * @throws Error for a quote or a backslash without its end
 */
export function splitShellWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let at = 0;
  const upTo = (closing: string): string => {
    const end = text.indexOf(closing, at);
    if (end < 0) throw new Error(`no closing ${closing}`);
    const inside = text.slice(at, end);
    at = end + 1;
    return inside;
  };
  while (at < text.length) {
    const character = text.charAt(at++);
    if (' \t\n'.includes(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === "'") word = (word ?? '') + upTo("'");
    else if (character === '"') word = (word ?? '') + doubleQuoted();
    else if (character === '\\') word = (word ?? '') + escaped();
    else word = (word ?? '') + character;
  }
  if (word !== undefined) words.push(word);
  return words;

  function escaped(): string {
    if (at >= text.length) throw new Error('nothing after the last backslash');
    const next = text.charAt(at++);
    return next === '\n' ? '' : next;
  }

  function doubleQuoted(): string {
    let inside = '';
    for (;;) {
      if (at >= text.length) throw new Error('no closing "');
      const character = text.charAt(at++);
      if (character === '"') return inside;
      if (character !== '\\') inside += character;
      else if (at < text.length && '$`"\\\n'.includes(text.charAt(at))) inside += escaped();
      else inside += character;
    }
  }
}
