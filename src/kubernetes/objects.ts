/** An object of the API as far as every kind has the same members; what else it holds is kept. */
export interface ApiObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly [member: string]: unknown;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  /** Opaque but for one thing: of two decimal numbers the larger one is the later (Kubernetes, API concepts). */
  readonly resourceVersion?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly [member: string]: unknown;
}

/** A Secret as it is read; values are base64. */
export interface SecretObject extends ApiObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** A ConfigMap as it is read; values are text. */
export interface ConfigMapObject extends ApiObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** A Lease of coordination.k8s.io/v1 (contract 03, 3.8); the operator makes it without any member of its spec. */
export interface LeaseObject extends ApiObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

/** A FailoverQuorum of the operator's group; a status without members promises nothing. */
export interface QuorumObject extends ApiObject {
  readonly status?: {
    readonly method?: string;
    readonly standbyNames?: readonly string[];
    readonly standbyNumber?: number;
    readonly primary?: string;
  };
}

/** An Event of core/v1: the only group that the Role grants (contract 03, 1.5). */
export interface EventObject extends ApiObject {
  readonly involvedObject: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly uid?: string;
  };
  readonly reason: string;
  readonly message: string;
  readonly type: 'Normal' | 'Warning';
  readonly count: number;
  readonly firstTimestamp: string;
  readonly lastTimestamp: string;
  readonly source: { readonly component: string; readonly host?: string };
}

/**
 * Whether one state of an object is later than another. False when that cannot be told: then whoever asks takes what came
 * last.
 */
export function isOlder(a: ApiObject, b: ApiObject): boolean {
  if (a.metadata.uid !== b.metadata.uid) return false;
  const [left = '', right = ''] = [a.metadata.resourceVersion, b.metadata.resourceVersion];
  if (!/^[1-9]\d*$/.test(left) || !/^[1-9]\d*$/.test(right)) return false;
  return left.length === right.length ? left < right : left.length < right.length;
}
