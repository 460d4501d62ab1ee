import { isDeepStrictEqual } from 'node:util';
import type { Document, Node, Pair, YAMLMap } from 'yaml';
import { ManagerError } from '../errors/manager-error.ts';

/** One place of a document that gets a new value. */
export interface Edit {
  /** Keys from the top; maps that are missing on the way are made. */
  readonly path: readonly string[];
  /** What JSON can express. */
  readonly value: unknown;
}

interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

type Yaml = typeof import('yaml');
/** Warnings of the library would go to standard error, as plain text. */
const quiet = { logLevel: 'error' } as const;

/**
 * Changes single values of a YAML text and leaves every other byte alone: comments, order, quotes and indentation are its
 * author's. Where that does not work out (anchors in the wrong place, say), the document is written anew, with its
 * comments. Either way the result is read again and compared, so that nothing is written that does not say what was meant.
 *
 * @throws BAD_CLUSTER_FILE for a text that cannot be changed so
 */
export async function editYaml(text: string, edits: readonly Edit[]): Promise<string> {
  const { yaml } = await import('./yaml-library.ts');
  const document = yaml.parseDocument(text, quiet);
  if (document.errors.length > 0 || !yaml.isMap(document.contents)) {
    throw new ManagerError('BAD_CLUSTER_FILE', 'a text that is no YAML map cannot be changed');
  }
  const wanted: unknown = edits.reduce((value, edit) => withEdit(value, edit), document.toJS() as unknown);
  const isRight = (candidate: string) => {
    try {
      const read = yaml.parseDocument(candidate, quiet);
      return read.errors.length === 0 && isDeepStrictEqual(read.toJS(), wanted);
    } catch {
      // An alias whose anchor was in what has been replaced.
      return false;
    }
  };
  const root = document.contents as YAMLMap;
  const spliced = edits
    .map((edit) => spliceFor(yaml, text, root, edit))
    .toSorted((a, b) => b.start - a.start)
    .reduce(
      (changed, { start, end, text: piece }) => changed.slice(0, start) + piece + changed.slice(end),
      text,
    );
  if (isRight(spliced)) return spliced;
  const rewritten = rewrite(document, edits);
  if (isRight(rewritten)) return rewritten;
  throw new ManagerError(
    'BAD_CLUSTER_FILE',
    `cannot change ${edits.map(({ path }) => path.join('.')).join(', ')}: write these as plain maps, without anchors`,
  );
}

function withEdit(value: unknown, { path, value: wanted }: Edit): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return JSON.parse(JSON.stringify(wanted)) as unknown;
  const map = (value ?? {}) as Record<string, unknown>;
  return { ...map, [key]: withEdit(map[key], { path: rest, value: wanted }) };
}

function rewrite(document: Document, edits: readonly Edit[]): string {
  try {
    for (const { path, value } of edits) document.setIn(path, document.createNode(value));
    return document.toString({ lineWidth: 0 });
  } catch {
    // A value on the way is an alias, or an anchor has gone: the caller finds that this is not what was wanted.
    return '';
  }
}

/** Goes down as far as there are maps; what is missing below goes in as one value. */
function spliceFor(yaml: Yaml, text: string, root: YAMLMap, { path, value }: Edit): Splice {
  let map = root;
  for (let depth = 0; ; depth += 1) {
    const key = path[depth] ?? '';
    const inner: unknown = path
      .slice(depth + 1)
      .reduceRight<unknown>((each, name) => ({ [name]: each }), value);
    const pair = map.items.find(({ key: node }) => yaml.isScalar(node) && node.value === key);
    if (pair === undefined) return insertion(yaml, text, map, key, inner);
    const isEnd = depth === path.length - 1;
    if (isEnd || !yaml.isMap(pair.value) || pair.value.items.length === 0) {
      return replacement(yaml, text, map, pair, key, inner);
    }
    map = pair.value;
  }
}

function replacement(
  yaml: Yaml,
  text: string,
  map: YAMLMap,
  pair: Pair,
  key: string,
  value: unknown,
): Splice {
  const start = (pair.key as Node).range?.[0] ?? 0;
  const end = endOf(yaml, text, pair);
  return { start, end, text: render(yaml, key, value, map.flow === true, column(text, start)) };
}

function insertion(yaml: Yaml, text: string, map: YAMLMap, key: string, value: unknown): Splice {
  const last = map.items.at(-1);
  const isFlow = map.flow === true;
  if (last === undefined) {
    const at = (map.range?.[0] ?? 0) + 1;
    return { start: at, end: at, text: render(yaml, key, value, true, 0) };
  }
  const end = endOf(yaml, text, last);
  const indent = column(text, (last.key as Node).range?.[0] ?? 0);
  const at = isFlow ? end : endOfLines(text, end, indent);
  const piece = render(yaml, key, value, isFlow, indent);
  return { start: at, end: at, text: isFlow ? `, ${piece}` : `\n${' '.repeat(indent)}${piece}` };
}

function render(yaml: Yaml, key: string, value: unknown, isFlow: boolean, indent: number): string {
  if (isFlow) return `${JSON.stringify(key)}: ${JSON.stringify(value)}`;
  const lines = yaml
    .stringify({ [key]: value }, { lineWidth: 0 })
    .trimEnd()
    .split('\n');
  return lines
    .map((line, index) => (index === 0 || line === '' ? line : ' '.repeat(indent) + line))
    .join('\n');
}

/** Just behind the last character of a pair; a comment that follows is not part of it. */
function endOf(yaml: Yaml, text: string, pair: Pair): number {
  const value = pair.value as Node | null;
  const last = yaml.isCollection(value) && value.flow !== true ? value.items.at(-1) : undefined;
  if (yaml.isPair(last)) return endOf(yaml, text, last);
  const node = (last ?? value ?? pair.key) as Node;
  const end = node.range?.[1] ?? 0;
  return text.slice(0, end).trimEnd().length;
}

/** The end of a line, or of the last line of comments below it that are indented as far. */
function endOfLines(text: string, from: number, indent: number): number {
  const lineEnd = (at: number) => {
    const end = text.indexOf('\n', at);
    return end < 0 ? text.length : end;
  };
  let end = lineEnd(from);
  for (let next = end; next < text.length; ) {
    const stop = lineEnd(next + 1);
    const line = text.slice(next + 1, stop);
    const isComment = /^\s*#/.test(line) && line.search(/#/) >= indent;
    if (!isComment && line.trim() !== '') break;
    if (isComment) end = stop;
    next = stop;
  }
  return text[end - 1] === '\r' ? end - 1 : end;
}

function column(text: string, at: number): number {
  return at - (text.lastIndexOf('\n', at - 1) + 1);
}
