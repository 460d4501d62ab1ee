import type { Cluster } from './cluster.ts';

/**
 * Fencing (contract 03, 3.12): an annotation on the Cluster names the instances whose server shall not run, as a JSON
 * array; `*` stands for all of them.
 */

type Annotated = Pick<Cluster, 'apiVersion' | 'metadata'>;

export interface Fencing {
  readonly all: boolean;
  /** In the order of the annotation, without `*`. */
  readonly names: readonly string[];
  /** Set when the annotation cannot be read: then nobody is fenced, as with the operator. */
  readonly problem?: string;
}

/** The two operators prefix their annotations differently. */
export function fencingAnnotation({ apiVersion }: Pick<Cluster, 'apiVersion'>): string {
  const isEdb = apiVersion.startsWith('postgresql.k8s.enterprisedb.io/');
  return `${isEdb ? 'k8s.enterprisedb.io' : 'cnpg.io'}/fencedInstances`;
}

/** Who is fenced. */
export function fencedInstances(cluster: Annotated): Fencing {
  const name = fencingAnnotation(cluster);
  const text = cluster.metadata.annotations?.[name] ?? '';
  if (text === '') return { all: false, names: [] };
  const list = parseNames(text);
  if (list === undefined) {
    return { all: false, names: [], problem: `${name} is not a JSON array of names: nobody is fenced` };
  }
  return { all: list.includes('*'), names: list.filter((each) => each !== '*') };
}

export function isFenced(cluster: Annotated, instance: string): boolean {
  const { all, names } = fencedInstances(cluster);
  return all || names.includes(instance);
}

/** The annotation that fences one more instance, or `*`; undefined when that is the case already. */
export function fence(cluster: Annotated, instance: string): string | undefined {
  const { all, names } = fencedInstances(cluster);
  if (all || names.includes(instance)) return undefined;
  return JSON.stringify(instance === '*' ? ['*'] : [...names, instance]);
}

/**
 * The annotation that takes one instance, or with `*` all of them, out of the fence; undefined when that is the case
 * already. Where all are fenced, the others stay fenced by name.
 *
 * @param known names of all instances
 */
export function unfence(cluster: Annotated, instance: string, known: readonly string[]): string | undefined {
  const { all, names, problem } = fencedInstances(cluster);
  const present = all ? [...new Set([...known, ...names])] : names;
  const left = instance === '*' ? [] : present.filter((name) => name !== instance);
  if (!all && problem === undefined && left.length === present.length) return undefined;
  return JSON.stringify(left);
}

function parseNames(text: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isList = Array.isArray(value) && value.every((each) => typeof each === 'string');
    return isList ? value : undefined;
  } catch {
    return undefined;
  }
}
