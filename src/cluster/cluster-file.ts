import type { Document, Node } from 'yaml';
import { ManagerError } from '../errors/manager-error.ts';
import type { Cluster } from './cluster.ts';
import { breaches } from './rules.ts';
import { clusterSchema } from './schema.ts';
import { type Finding, SchemaCheck } from './schema-check.ts';

/** Something about one place of the file. */
export interface Remark {
  /** Such as `spec.postgresql`. */
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

export interface ClusterFile {
  readonly cluster: Cluster;
  /** Fields that are known, but mean nothing here, and values that cannot be meant. */
  readonly warnings: readonly Remark[];
}

/**
 * Reads the text of a file of kind Cluster.
 *
 * @param name stands for the file in messages
 * @throws BAD_CLUSTER_FILE, naming every problem as `file:line:column`
 */
export async function parseClusterFile(text: string, name: string): Promise<ClusterFile> {
  const { yaml } = await import('./yaml-library.ts');
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const remark = ({ node, path, text }: Finding): Remark => ({
    path,
    text,
    ...place(node?.range?.[0] ?? 0),
  });
  const refuse = (problems: readonly Remark[]) => {
    if (problems.length === 0) return;
    const list = problems.map((problem) => `${name}:${problem.line}:${problem.column}: ${problem.text}`);
    throw new ManagerError('BAD_CLUSTER_FILE', list.join('; '));
  };
  refuse(document.errors.map(({ pos, message }) => ({ ...place(pos[0]), path: '', text: message })));
  const check = new SchemaCheck(yaml, document);
  check.check(document.contents as Node | null, clusterSchema, '');
  refuse(check.problems.map(remark));
  refuse(nameProblems(document).map(remark));
  const cluster = document.toJS() as Cluster;
  const found = breaches(cluster).map(({ path, ...rest }) => ({
    ...rest,
    path: path.join('.'),
    node: nodeAt(document, path),
  }));
  refuse(found.filter(({ isWarning }) => isWarning !== true).map(remark));
  return { cluster, warnings: [...check.warnings, ...found].map(remark) };
}

function nameProblems(document: Document): Finding[] {
  const name: unknown = document.getIn(['metadata', 'name']);
  if (typeof name === 'string' && /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name)) return [];
  const node = (document.get('metadata', true) ?? null) as Node | null;
  const text = 'metadata.name must be a name of lower-case letters, digits and hyphens';
  return [{ node, path: 'metadata.name', text }];
}

/** The node at a path, or the nearest above it that is there. */
function nodeAt(document: Document, path: readonly string[]): Node | null {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true) as Node | null | undefined;
    if (node?.range !== undefined) return node;
  }
  return null;
}
