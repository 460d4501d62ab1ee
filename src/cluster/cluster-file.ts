import { readFileSync } from 'node:fs';
import type { Document, LineCounter, Node, Pair, YAMLMap } from 'yaml';
import { ManagerError, messageOf } from '../errors/manager-error.ts';
import { isFixedParameter } from '../postgres/parameters.ts';
import { closest } from './closest.ts';
import type { Cluster } from './cluster.ts';
import { clusterSchema, type FieldType } from './schema.ts';

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
  /** Fields that are known, but mean nothing without Kubernetes. */
  readonly warnings: readonly Remark[];
}

/**
 * Reads a file of kind Cluster.
 *
 * @throws BAD_CLUSTER_FILE, naming every problem as `file:line:column`
 */
export async function readClusterFile(path: string): Promise<ClusterFile> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ManagerError('BAD_CLUSTER_FILE', `${path}: ${messageOf(error)}`, { cause: error });
  }
  return parseClusterFile(text, path);
}

/** The same for a text; `name` stands for the file in messages. */
export async function parseClusterFile(text: string, name: string): Promise<ClusterFile> {
  const yaml = await import('yaml');
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problems = document.errors.map((error) => ({
    ...position(lines, error.pos[0]),
    path: '',
    text: error.message,
  }));
  const warnings: Remark[] = [];
  if (problems.length === 0) {
    const walker = new Walker(yaml, document, lines, problems, warnings);
    walker.check(document.contents as Node | null, clusterSchema, '');
    if (problems.length === 0) checkMetadata(document, lines, problems);
  }
  if (problems.length > 0) {
    const list = problems.map((problem) => `${name}:${problem.line}:${problem.column}: ${problem.text}`);
    throw new ManagerError('BAD_CLUSTER_FILE', list.join('; '));
  }
  return { cluster: document.toJS() as Cluster, warnings };
}

function position(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}

function checkMetadata(document: Document, lines: LineCounter, problems: Remark[]): void {
  const name: unknown = document.getIn(['metadata', 'name']);
  if (typeof name === 'string' && /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name)) return;
  const node = document.get('metadata', true) as Node | undefined;
  problems.push({
    path: 'metadata.name',
    ...position(lines, node?.range?.[0] ?? 0),
    text: 'metadata.name must be a name of lower-case letters, digits and hyphens',
  });
}

/** Compares a document with a schema, place by place. */
class Walker {
  readonly #yaml: typeof import('yaml');
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #problems: Remark[];
  readonly #warnings: Remark[];

  constructor(
    yaml: typeof import('yaml'),
    document: Document,
    lines: LineCounter,
    problems: Remark[],
    warnings: Remark[],
  ) {
    this.#yaml = yaml;
    this.#document = document;
    this.#lines = lines;
    this.#problems = problems;
    this.#warnings = warnings;
  }

  check(given: Node | null | undefined, type: FieldType, path: string): void {
    const node = this.#resolve(given);
    switch (type.kind) {
      case 'any':
      case 'notApplicable':
        return;
      case 'object':
        this.#object(node, type, path);
        return;
      case 'map':
        this.#map(node, path);
        return;
      case 'texts':
        this.#texts(node, path);
        return;
      default:
        this.#scalar(node, type, path);
    }
  }

  #object(node: Node | null, type: Extract<FieldType, { kind: 'object' }>, path: string): void {
    if (!this.#yaml.isMap(node)) {
      this.#problem(node, path, `${path || 'the document'} must be a map`);
      return;
    }
    for (const pair of node.items) {
      const key = this.#key(pair);
      const inner = path === '' ? key : `${path}.${key}`;
      const field = type.fields[key];
      if (field?.kind === 'notApplicable') {
        this.#warnings.push(
          this.#remark(pair.key as Node, inner, `${inner} has no effect without Kubernetes`),
        );
      } else if (field !== undefined) this.check(pair.value as Node | null, field, inner);
      else this.#problem(pair.key as Node, inner, unknownField(inner, key, Object.keys(type.fields)));
    }
    for (const name of type.required ?? []) {
      if (!node.has(name)) this.#problem(node, path, `${name} is missing`);
    }
  }

  #map(node: Node | null, path: string): void {
    if (!this.#yaml.isMap(node)) {
      this.#problem(node, path, `${path} must be a map`);
      return;
    }
    for (const pair of (node as YAMLMap).items) {
      const key = this.#key(pair);
      const value = this.#resolve(pair.value as Node | null);
      const inner = `${path}.${key}`;
      if (!this.#yaml.isScalar(value) || typeof value.value !== 'string') {
        const hint = this.#yaml.isScalar(value) ? `: quote it, "${String(value.value)}"` : '';
        this.#problem(value ?? (pair.key as Node), inner, `${inner} must be a string${hint}`);
      } else if (isFixedParameter(key)) {
        this.#problem(pair.key as Node, inner, `${inner} is set by the manager and cannot be chosen`);
      }
    }
  }

  #texts(node: Node | null, path: string): void {
    if (!this.#yaml.isSeq(node)) {
      this.#problem(node, path, `${path} must be a list`);
      return;
    }
    node.items.forEach((item, index) => {
      this.#scalar(this.#resolve(item as Node), { kind: 'text' }, `${path}[${index}]`);
    });
  }

  #scalar(node: Node | null, type: FieldType, path: string): void {
    const value: unknown = this.#yaml.isScalar(node) ? node.value : undefined;
    const complaint = complain(value, type);
    if (complaint !== undefined) this.#problem(node, path, `${path} ${complaint}`);
  }

  /** Follows an alias to what it stands for. */
  #resolve(node: Node | null | undefined): Node | null {
    if (this.#yaml.isAlias(node)) return node.resolve(this.#document) ?? null;
    return node ?? null;
  }

  #key(pair: Pair): string {
    return this.#yaml.isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
  }

  #problem(node: Node | null, path: string, text: string): void {
    this.#problems.push(this.#remark(node, path, text));
  }

  #remark(node: Node | null, path: string, text: string): Remark {
    return { path, text, ...position(this.#lines, node?.range?.[0] ?? 0) };
  }
}

function complain(value: unknown, type: FieldType): string | undefined {
  switch (type.kind) {
    case 'text':
      if (typeof value !== 'string') return 'must be a string';
      return type.pattern === undefined || type.pattern.test(value)
        ? undefined
        : `cannot be ${JSON.stringify(value)}`;
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'must be true or false';
    case 'integer': {
      const isInRange =
        Number.isInteger(value) && Number(value) >= type.minimum && Number(value) <= type.maximum;
      return isInRange ? undefined : `must be a whole number from ${type.minimum} to ${type.maximum}`;
    }
    default:
      return undefined;
  }
}

function unknownField(path: string, key: string, known: readonly string[]): string {
  const similar = closest(key, known);
  return `unknown field ${path}${similar === undefined ? '' : `; did you mean ${similar}?`}`;
}
