import { inNameOrder } from './init-files.ts';
import type { SynchronousStandbys } from './synchronous-metadata.ts';

export {
  parseSynchronousMetadata,
  renderSynchronousStandbyNames,
  type SynchronousStandbys,
  synchronousMetadata,
} from './synchronous-metadata.ts';

type Labels = Readonly<Record<string, string>>;

/** The part of a Cluster that decides. Every instance computes the same from the same Cluster. */
export interface SynchronousInput {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly minSyncReplicas?: number | undefined;
    readonly maxSyncReplicas?: number | undefined;
    readonly postgresql?:
      | {
          /** When present it wins over the two numbers. */
          readonly synchronous?: Explicit | undefined;
          /** Of the two numbers: only standbys in another place than the primary's. */
          readonly syncReplicaElectionConstraint?: { readonly enabled: boolean } | undefined;
        }
      | undefined;
  };
  readonly status?:
    | {
        /** Empty or absent as long as there has been none. */
        readonly currentPrimary?: string | undefined;
        readonly instanceNames?: readonly string[] | undefined;
        /** Names by state, of which `healthy` is one. */
        readonly instancesStatus?: Readonly<Record<string, readonly string[]>> | undefined;
        /** Labels of the place where each instance runs. */
        readonly topology?: Topology | undefined;
      }
    | undefined;
}

/** spec.postgresql.synchronous. */
interface Explicit {
  readonly method: 'any' | 'first';
  readonly number: number;
  readonly maxStandbyNamesFromCluster?: number | undefined;
  readonly standbyNamesPre?: readonly string[] | undefined;
  readonly standbyNamesPost?: readonly string[] | undefined;
  readonly dataDurability?: 'required' | 'preferred' | undefined;
  readonly podFailureDomainKeys?: readonly string[] | undefined;
  readonly nodeFailureDomainKeys?: readonly string[] | undefined;
}

interface Topology {
  readonly successfullyExtracted?: boolean | undefined;
  readonly instances?: Readonly<Record<string, Labels>> | undefined;
}

/**
 * Which standbys a commit has to wait for (contract 04, 8.1 and 8.2; 03, 3.20). The old primary keeps its place at the end
 * of a `required` list, so that the list stays right when another instance takes over.
 *
 * @returns undefined: commits wait for nobody
 */
export function synchronousStandbys(input: SynchronousInput): SynchronousStandbys | undefined {
  const explicit = input.spec.postgresql?.synchronous;
  if (explicit === undefined) return byNumbers(input);
  return explicit.dataDurability === 'preferred' ? preferred(input, explicit) : required(input, explicit);
}

const methods = { any: 'ANY', first: 'FIRST' } as const;

/** Never fewer than asked for: rather no commit at all than one that a lost primary takes with it. */
function required(input: SynchronousInput, rules: Explicit): SynchronousStandbys {
  const own = elsewhereIfEnough(input, rules, knownInstances(input), rules.number);
  const names = [
    ...(rules.standbyNamesPre ?? []),
    ...own.slice(0, rules.maxStandbyNamesFromCluster),
    ...(rules.standbyNamesPost ?? []),
  ];
  // An empty list would switch waiting off; nobody has this name.
  const standbyNames = names.length === 0 ? [`${input.metadata.name}-placeholder`] : names;
  return { method: methods[rules.method], number: rules.number, standbyNames };
}

/** As many as there are, and nobody when there are none. */
function preferred(input: SynchronousInput, rules: Explicit): SynchronousStandbys | undefined {
  const candidates = elsewhereIfEnough(input, rules, healthyStandbys(input), 1);
  const standbyNames = candidates.slice(0, rules.maxStandbyNamesFromCluster);
  if (standbyNames.length === 0) return undefined;
  return {
    method: methods[rules.method],
    number: Math.min(rules.number, standbyNames.length),
    standbyNames,
  };
}

/** minSyncReplicas and maxSyncReplicas: fewer than the minimum when fewer are ready (8.2). */
function byNumbers(input: SynchronousInput): SynchronousStandbys | undefined {
  const { minSyncReplicas = 0, maxSyncReplicas = 0, postgresql } = input.spec;
  const ready = (input.status?.instancesStatus?.healthy ?? []).length - 1;
  if (ready < 0) return undefined;
  let number = maxSyncReplicas;
  if (ready < maxSyncReplicas) number = minSyncReplicas;
  if (ready < minSyncReplicas) number = ready;
  const isConstrained = postgresql?.syncReplicaElectionConstraint?.enabled === true;
  const standbyNames = isConstrained ? electable(input) : healthyStandbys(input);
  number = Math.min(number, standbyNames.length);
  return number > 0 ? { method: 'ANY', number, standbyNames } : undefined;
}

function electable(input: SynchronousInput): string[] {
  const standbys = healthyStandbys(input);
  if (input.status?.topology?.successfullyExtracted !== true) return standbys;
  return elsewhere(input, standbys) ?? [];
}

/** The standbys in another failure domain than the primary's, where there are enough of them; else all. */
function elsewhereIfEnough(
  input: SynchronousInput,
  rules: Explicit,
  names: readonly string[],
  enough: number,
): readonly string[] {
  const keys = [...(rules.podFailureDomainKeys ?? []), ...(rules.nodeFailureDomainKeys ?? [])];
  if (keys.length === 0 || input.status?.topology?.successfullyExtracted !== true) return names;
  const filtered = elsewhere(input, names);
  return filtered !== undefined && filtered.length >= enough ? filtered : names;
}

/**
 * Those whose place differs from the primary's in at least one label. Undefined when nothing is known of the primary's
 * place.
 */
function elsewhere({ status }: SynchronousInput, names: readonly string[]): string[] | undefined {
  const places = new Map(Object.entries(status?.topology?.instances ?? {}));
  const primary = status?.currentPrimary ?? '';
  const primaryPlace = places.get(primary);
  if (primaryPlace === undefined) return undefined;
  return names.filter((name) => {
    const place = places.get(name);
    if (place === undefined || name === primary) return false;
    return Object.entries(primaryPlace).some(([label, value]) => place[label] !== value);
  });
}

function healthyStandbys({ status }: SynchronousInput): string[] {
  const healthy = status?.instancesStatus?.healthy ?? [];
  return inNameOrder(healthy.filter((name) => name !== status?.currentPrimary));
}

/** `sorted-all` of 8.1. A primary that has no state any more, as its Pod is gone, is an instance like the others. */
function knownInstances(input: SynchronousInput): string[] {
  const { currentPrimary = '', instanceNames = [], instancesStatus = {} } = input.status ?? {};
  const healthy = healthyStandbys(input);
  const hasState = Object.values(instancesStatus).some((names) => names.includes(currentPrimary));
  const primary = hasState && currentPrimary !== '' ? [currentPrimary] : [];
  const others = instanceNames.filter((name) => !healthy.includes(name) && !primary.includes(name));
  return [...healthy, ...inNameOrder(others), ...primary];
}
