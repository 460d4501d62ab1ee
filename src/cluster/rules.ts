import { type Cluster, sharesCluster } from './cluster.ts';
import { leaseTimings } from './defaults.ts';
import { fencedInstances, fencingAnnotation } from './fencing.ts';

/** A breach of a rule that concerns more than one field. */
export interface Breach {
  /** Place to point at, as keys from the top. */
  readonly path: readonly string[];
  readonly text: string;
  readonly isWarning?: boolean;
}

/** Every rule that a well-formed Cluster breaks: what the operator's webhook and its schema refuse as well. */
export function breaches(cluster: Cluster): Breach[] {
  const alone = sharesCluster(cluster) ? [] : remarksAlone(cluster);
  return [...leaseBreaches(cluster), ...synchronousBreaches(cluster), ...fencingBreaches(cluster), ...alone];
}

/** What is about several instances, and is read only where there are some. */
function remarksAlone(cluster: Cluster): Breach[] {
  const paths = [
    ['spec', 'switchoverDelay'],
    ['spec', 'primaryUpdateStrategy'],
    ['spec', 'primaryLease'],
    ['spec', 'replicationSlots'],
    ['spec', 'minSyncReplicas'],
    ['spec', 'maxSyncReplicas'],
    ['spec', 'postgresql', 'promotionTimeout'],
    ['spec', 'postgresql', 'synchronous'],
    ['metadata', 'annotations', fencingAnnotation(cluster)],
  ];
  const isGiven = (path: readonly string[]) =>
    path.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], cluster) !==
    undefined;
  return paths.filter(isGiven).map((path) => {
    const text = `${path.join('.')} has no effect for an instance that shares its Cluster with no other`;
    return { path, text, isWarning: true };
  });
}

/** Contract 03, 3.8: a holder gives up before a candidate may take over, and tries more than once before it gives up. */
function leaseBreaches({ spec }: Cluster): Breach[] {
  const path = ['spec', 'primaryLease'];
  const { duration, renewDeadline, retryPeriod } = leaseTimings(spec);
  const seconds = (milliseconds: number) => `${milliseconds / 1_000} s`;
  const found: Breach[] = [];
  if (duration <= renewDeadline) {
    const text = `spec.primaryLease: leaseDurationSeconds (${seconds(duration)}) must be more than renewDeadlineSeconds (${seconds(renewDeadline)})`;
    found.push({ path: [...path, 'leaseDurationSeconds'], text });
  }
  // In whole numbers: 1.2 is not one of them.
  if (10 * renewDeadline <= 12 * retryPeriod) {
    const text = `spec.primaryLease: renewDeadlineSeconds (${seconds(renewDeadline)}) must be more than 1.2 times retryPeriodSeconds (${seconds(retryPeriod)})`;
    found.push({ path: [...path, 'renewDeadlineSeconds'], text });
  }
  return found;
}

function synchronousBreaches({ spec }: Cluster): Breach[] {
  const { minSyncReplicas: minimum = 0, maxSyncReplicas: maximum = 0, instances = 1 } = spec;
  const found: Breach[] = [];
  if (minimum > maximum) {
    const text = `spec.minSyncReplicas (${minimum}) must not be more than spec.maxSyncReplicas (${maximum})`;
    found.push({ path: ['spec', 'minSyncReplicas'], text });
  }
  if (maximum > 0 && maximum >= instances) {
    const text = `spec.maxSyncReplicas (${maximum}) must be less than spec.instances (${instances})`;
    found.push({ path: ['spec', 'maxSyncReplicas'], text });
  }
  const synchronous = spec.postgresql?.synchronous;
  if (synchronous === undefined) return found;
  const path = ['spec', 'postgresql', 'synchronous'];
  const named = (synchronous.standbyNamesPre?.length ?? 0) + (synchronous.standbyNamesPost?.length ?? 0);
  if (synchronous.number >= instances + named) {
    const text = `spec.postgresql.synchronous.number (${synchronous.number}) must be less than the instances and the names given (${instances + named}), or every commit waits for ever`;
    found.push({ path: [...path, 'number'], text });
  }
  if (synchronous.dataDurability === 'preferred' && named > 0) {
    const text =
      'spec.postgresql.synchronous: dataDurability preferred allows neither standbyNamesPre nor standbyNamesPost';
    found.push({ path: [...path, 'dataDurability'], text });
  }
  // It guards the choice of the next primary, which is the operator's (contract 03, 3.20).
  if (synchronous.failoverQuorum === true) {
    const text =
      'spec.postgresql.synchronous.failoverQuorum has no effect with a Cluster file: who chooses the next primary must look at what it has received';
    found.push({ path: [...path, 'failoverQuorum'], text, isWarning: true });
  }
  return found;
}

function fencingBreaches(cluster: Cluster): Breach[] {
  const { problem } = fencedInstances(cluster);
  if (problem === undefined) return [];
  const path = ['metadata', 'annotations', fencingAnnotation(cluster)];
  return [{ path, text: problem, isWarning: true }];
}
