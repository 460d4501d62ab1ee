import type { Document, Node, Pair } from 'yaml';
import { closest } from './closest.ts';
import type { FieldType } from './field-type.ts';

/** What was found at one node of a document. */
export interface Finding {
  readonly node: Node | null;
  /** Such as `spec.postgresql`. */
  readonly path: string;
  readonly text: string;
}

/** Compares a document with a schema, place by place. */
export class SchemaCheck {
  readonly problems: Finding[] = [];
  readonly warnings: Finding[] = [];
  readonly #yaml: typeof import('yaml');
  readonly #document: Document;

  constructor(yaml: typeof import('yaml'), document: Document) {
    this.#yaml = yaml;
    this.#document = document;
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
        this.#map(node, type, path);
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
      const field = Object.hasOwn(type.fields, key) ? type.fields[key] : undefined;
      if (field?.kind === 'notApplicable') {
        const text = `${inner} ${field.why ?? 'has no effect without Kubernetes'}`;
        this.warnings.push({ node: pair.key as Node, path: inner, text });
      } else if (field !== undefined) this.#value(pair, field, inner);
      else if (type.isOpen !== true) {
        this.#problem(pair.key as Node, inner, unknownField(inner, key, Object.keys(type.fields)));
      }
    }
    for (const name of type.required ?? []) {
      if (!node.has(name)) this.#problem(node, path, `${path === '' ? '' : `${path}.`}${name} is missing`);
    }
  }

  #map(node: Node | null, type: Extract<FieldType, { kind: 'map' }>, path: string): void {
    if (!this.#yaml.isMap(node)) {
      this.#problem(node, path, `${path} must be a map`);
      return;
    }
    for (const pair of node.items) {
      const key = this.#key(pair);
      const refusal = type.refuse?.(key);
      const before = this.problems.length;
      this.#value(pair, type.values, `${path}.${key}`);
      if (refusal !== undefined && this.problems.length === before) {
        this.#problem(pair.key as Node, `${path}.${key}`, `${path}.${key} ${refusal}`);
      }
    }
  }

  /** A pair without a value is pointed at by its key. */
  #value(pair: Pair, type: FieldType, path: string): void {
    const before = this.problems.length;
    this.check(pair.value as Node | null, type, path);
    const problem = this.problems[before];
    if (problem?.node === null) this.problems[before] = { ...problem, node: pair.key as Node };
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
    this.problems.push({ node, path, text });
  }
}

function complain(value: unknown, type: FieldType): string | undefined {
  switch (type.kind) {
    case 'text':
      if (typeof value !== 'string') return `must be a string${quotingHint(value)}`;
      return type.pattern === undefined || type.pattern.test(value)
        ? undefined
        : `cannot be ${JSON.stringify(value)}`;
    case 'choice':
      return type.of.includes(String(value)) ? undefined : `must be ${type.of.join(' or ')}`;
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

function quotingHint(value: unknown): string {
  return ['number', 'boolean'].includes(typeof value) ? `: quote it, "${String(value)}"` : '';
}

function unknownField(path: string, key: string, known: readonly string[]): string {
  const similar = closest(key, known);
  return `unknown field ${path}${similar === undefined ? '' : `; did you mean ${similar}?`}`;
}
