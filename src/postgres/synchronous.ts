import { inNameOrder } from './init-files.ts';

/** Which standbys a commit waits for. */
export interface SynchronousStandbys {
  readonly method: 'ANY' | 'FIRST';
  readonly number: number;
  /** In order of preference, which FIRST goes by; never empty. */
  readonly standbyNames: readonly string[];
}

type Labels = Readonly<Record<string, string>>;

/** The part of a Cluster that decides. Every instance computes the same from the same Cluster. */
export interface SynchronousInput {
  readonly clusterName: string;
  /** status.currentPrimary; empty as long as there has been none. */
  readonly currentPrimary: string;
  /** status.instanceNames. */
  readonly instanceNames: readonly string[];
  /** status.instancesStatus: names by state, of which `healthy` is one. */
  readonly instancesStatus: Readonly<Record<string, readonly string[]>>;
  /** status.topology: labels of the place where an instance runs. */
  readonly topology?:
    | { readonly successfullyExtracted?: boolean; readonly instances?: Readonly<Record<string, Labels>> }
    | undefined;
  /** spec.postgresql.synchronous; when present it wins over the two numbers below. */
  readonly synchronous?:
    | {
        readonly method: 'any' | 'first';
        readonly number: number;
        readonly maxStandbyNamesFromCluster?: number | undefined;
        readonly standbyNamesPre?: readonly string[] | undefined;
        readonly standbyNamesPost?: readonly string[] | undefined;
        readonly dataDurability?: 'required' | 'preferred' | undefined;
        readonly podFailureDomainKeys?: readonly string[] | undefined;
        readonly nodeFailureDomainKeys?: readonly string[] | undefined;
      }
    | undefined;
  readonly minSyncReplicas?: number | undefined;
  readonly maxSyncReplicas?: number | undefined;
  /** spec.postgresql.syncReplicaElectionConstraint.enabled: only standbys in another place than the primary's. */
  readonly isElectionConstrained?: boolean | undefined;
}

/**
 * Which standbys a commit has to wait for (contract 04, 8.1 and 8.2; 03, 3.20). The old primary keeps its place at the end
 * of a `required` list, so that the list stays right when another instance takes over.
 *
 * @returns undefined: commits wait for nobody
 */
export function synchronousStandbys(input: SynchronousInput): SynchronousStandbys | undefined {
  if (input.synchronous === undefined) return byNumbers(input);
  return input.synchronous.dataDurability === 'preferred'
    ? preferred(input, input.synchronous)
    : required(input, input.synchronous);
}

type Explicit = NonNullable<SynchronousInput['synchronous']>;
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
  const standbyNames = names.length === 0 ? [`${input.clusterName}-placeholder`] : names;
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
  const { minSyncReplicas = 0, maxSyncReplicas = 0 } = input;
  const ready = (input.instancesStatus.healthy ?? []).length - 1;
  if (ready < 0) return undefined;
  let number = maxSyncReplicas;
  if (ready < maxSyncReplicas) number = minSyncReplicas;
  if (ready < minSyncReplicas) number = ready;
  const standbyNames = electable(input);
  number = Math.min(number, standbyNames.length);
  return number > 0 ? { method: 'ANY', number, standbyNames } : undefined;
}

function electable(input: SynchronousInput): string[] {
  const standbys = healthyStandbys(input);
  if (input.isElectionConstrained !== true || input.topology?.successfullyExtracted !== true) return standbys;
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
  if (keys.length === 0 || input.topology?.successfullyExtracted !== true) return names;
  const filtered = elsewhere(input, names);
  return filtered !== undefined && filtered.length >= enough ? filtered : names;
}

/**
 * Those whose place differs from the primary's in at least one label. Undefined when nothing is known of the primary's
 * place.
 */
function elsewhere(
  { currentPrimary, topology }: SynchronousInput,
  names: readonly string[],
): string[] | undefined {
  const places = new Map(Object.entries(topology?.instances ?? {}));
  const primaryPlace = places.get(currentPrimary);
  if (primaryPlace === undefined) return undefined;
  return names.filter((name) => {
    const place = places.get(name);
    if (place === undefined || name === currentPrimary) return false;
    return Object.entries(primaryPlace).some(([label, value]) => place[label] !== value);
  });
}

function healthyStandbys({ currentPrimary, instancesStatus }: SynchronousInput): string[] {
  return inNameOrder((instancesStatus.healthy ?? []).filter((name) => name !== currentPrimary));
}

/** `sorted-all` of 8.1. A primary that has no state any more, as its Pod is gone, is an instance like the others. */
function knownInstances(input: SynchronousInput): string[] {
  const { currentPrimary, instanceNames, instancesStatus } = input;
  const healthy = healthyStandbys(input);
  const hasState = Object.values(instancesStatus).some((names) => names.includes(currentPrimary));
  const primary = hasState && currentPrimary !== '' ? [currentPrimary] : [];
  const others = instanceNames.filter((name) => !healthy.includes(name) && !primary.includes(name));
  return [...healthy, ...inNameOrder(others), ...primary];
}
