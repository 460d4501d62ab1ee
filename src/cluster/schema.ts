import { isFixedParameter } from '../postgres/parameters.ts';
import type { FieldType } from './field-type.ts';
import { statusSchema } from './status-schema.ts';

const text: FieldType = { kind: 'text' };
const texts: FieldType = { kind: 'texts' };
const boolean: FieldType = { kind: 'boolean' };
const largest = 2_147_483_647;
const count: FieldType = { kind: 'integer', minimum: 0, maximum: largest };
const positive: FieldType = { kind: 'integer', minimum: 1, maximum: largest };
/** Seconds. */
const seconds = count;
const ignored: FieldType = { kind: 'notApplicable' };
const notYet: FieldType = { kind: 'notApplicable', why: 'has no effect yet' };
const all = (names: string, type = ignored): Record<string, FieldType> =>
  Object.fromEntries(names.split(' ').map((name) => [name, type]));
const object = (fields: Record<string, FieldType>, ...required: string[]): FieldType => ({
  kind: 'object',
  fields,
  required,
});

const initdb = object({
  database: text,
  owner: text,
  options: texts,
  dataChecksums: boolean,
  encoding: text,
  localeCollate: text,
  localeCType: text,
  locale: text,
  localeProvider: text,
  icuLocale: text,
  icuRules: text,
  builtinLocale: text,
  walSegmentSize: { kind: 'integer', minimum: 1, maximum: 1024 },
  postInitSQL: texts,
  postInitTemplateSQL: texts,
  postInitApplicationSQL: texts,
  ...all('secret import postInitSQLRefs postInitTemplateSQLRefs postInitApplicationSQLRefs'),
});

const parameters: FieldType = {
  kind: 'map',
  values: text,
  refuse: (key) => (isFixedParameter(key) ? 'is set by the manager and cannot be chosen' : undefined),
};

const synchronous = object(
  {
    method: { kind: 'choice', of: ['any', 'first'] },
    number: positive,
    maxStandbyNamesFromCluster: count,
    standbyNamesPre: texts,
    standbyNamesPost: texts,
    dataDurability: { kind: 'choice', of: ['required', 'preferred'] },
    failoverQuorum: boolean,
    ...all('podFailureDomainKeys nodeFailureDomainKeys'),
  },
  'method',
  'number',
);

const postgresql = object({
  parameters,
  shared_preload_libraries: texts,
  pg_hba: texts,
  pg_ident: texts,
  enableAlterSystem: boolean,
  promotionTimeout: seconds,
  synchronous,
  syncReplicaElectionConstraint: object({ enabled: boolean, nodeLabelsAntiAffinity: texts }, 'enabled'),
  ...all('ldap extensions'),
});

const replicationSlots = object({
  highAvailability: object({
    enabled: boolean,
    slotPrefix: { kind: 'text', pattern: /^[0-9a-z_]*$/ },
    synchronizeLogicalDecoding: notYet,
  }),
  updateInterval: positive,
  synchronizeReplicas: object({ enabled: boolean, excludePatterns: texts }, 'enabled'),
});

const primaryLease = object({
  leaseDurationSeconds: positive,
  renewDeadlineSeconds: positive,
  retryPeriodSeconds: positive,
  releasedLeaseDurationSeconds: positive,
});

const spec = object({
  instances: { kind: 'integer', minimum: 1, maximum: 1000 },
  postgresql,
  bootstrap: object({ initdb, ...all('recovery pg_basebackup') }),
  minSyncReplicas: count,
  maxSyncReplicas: count,
  replicationSlots,
  smartShutdownTimeout: seconds,
  stopDelay: seconds,
  startDelay: { kind: 'notApplicable', why: 'has no effect: a start is judged by its progress' },
  switchoverDelay: seconds,
  primaryUpdateStrategy: { kind: 'choice', of: ['unsupervised', 'supervised'] },
  primaryLease,
  ...all(
    'affinity backup certificates description enablePDB enableSuperuserAccess env envFrom ephemeralVolumeSource ' +
      'ephemeralVolumesSizeLimit externalClusters failoverDelay imageCatalogRef imageName imagePullPolicy ' +
      'imagePullSecrets inheritedMetadata livenessProbeTimeout logLevel managed monitoring nodeMaintenanceWindow ' +
      'plugins podSecurityContext podSelectorRefs postgresGID postgresUID primaryUpdateMethod priorityClassName ' +
      'probes projectedVolumeTemplate replica resources schedulerName seccompProfile securityContext ' +
      'serviceAccountName serviceAccountTemplate storage superuserSecret tablespaces topologySpreadConstraints ' +
      'walStorage',
  ),
});

const metadata: FieldType = {
  kind: 'object',
  isOpen: true,
  // The name has a message of its own, see cluster-file.ts.
  fields: {
    name: { kind: 'any' },
    namespace: text,
    annotations: { kind: 'map', values: text },
    resourceVersion: text,
  },
};

/** The resource, as far as it is read; fields of the operator's schema that mean nothing without Kubernetes are named. */
export const clusterSchema = object(
  {
    apiVersion: { kind: 'text', pattern: /^postgresql\.(cnpg\.io|k8s\.enterprisedb\.io)\/v1$/ },
    kind: { kind: 'text', pattern: /^Cluster$/ },
    metadata,
    spec,
    status: statusSchema,
  },
  'apiVersion',
  'kind',
  'metadata',
  'spec',
);
