/** What a field may hold. `notApplicable` fields are known and passed over, with a warning. */
export type FieldType =
  | { readonly kind: 'text'; readonly pattern?: RegExp }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'integer'; readonly minimum: number; readonly maximum: number }
  | { readonly kind: 'texts' }
  | { readonly kind: 'map' }
  | {
      readonly kind: 'object';
      readonly fields: Readonly<Record<string, FieldType>>;
      readonly required?: readonly string[];
    }
  | { readonly kind: 'any' }
  | { readonly kind: 'notApplicable' };

const text: FieldType = { kind: 'text' };
const texts: FieldType = { kind: 'texts' };
const boolean: FieldType = { kind: 'boolean' };
const seconds: FieldType = { kind: 'integer', minimum: 0, maximum: 2_147_483_647 };
const ignored: FieldType = { kind: 'notApplicable' };
const all = (names: string): Record<string, FieldType> =>
  Object.fromEntries(names.split(' ').map((name) => [name, ignored]));

const initdb: FieldType = {
  kind: 'object',
  fields: {
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
  },
};

const postgresql: FieldType = {
  kind: 'object',
  fields: {
    parameters: { kind: 'map' },
    shared_preload_libraries: texts,
    pg_hba: texts,
    pg_ident: texts,
    enableAlterSystem: boolean,
    ...all('synchronous syncReplicaElectionConstraint promotionTimeout ldap extensions'),
  },
};

/** The resource, as far as it is read; fields of the operator's schema that mean nothing without Kubernetes are named. */
export const clusterSchema: FieldType = {
  kind: 'object',
  required: ['apiVersion', 'kind', 'metadata', 'spec'],
  fields: {
    apiVersion: { kind: 'text', pattern: /^postgresql\.(cnpg\.io|k8s\.enterprisedb\.io)\/v1$/ },
    kind: { kind: 'text', pattern: /^Cluster$/ },
    metadata: { kind: 'any' },
    status: { kind: 'any' },
    spec: {
      kind: 'object',
      fields: {
        instances: { kind: 'integer', minimum: 1, maximum: 1000 },
        postgresql,
        bootstrap: { kind: 'object', fields: { initdb, ...all('recovery pg_basebackup') } },
        smartShutdownTimeout: seconds,
        stopDelay: seconds,
        ...all(
          'affinity backup certificates description enablePDB enableSuperuserAccess env envFrom ephemeralVolumeSource ' +
            'ephemeralVolumesSizeLimit externalClusters failoverDelay imageCatalogRef imageName imagePullPolicy ' +
            'imagePullSecrets inheritedMetadata livenessProbeTimeout logLevel managed maxSyncReplicas minSyncReplicas ' +
            'monitoring nodeMaintenanceWindow plugins podSecurityContext podSelectorRefs postgresGID postgresUID ' +
            'primaryLease primaryUpdateMethod primaryUpdateStrategy priorityClassName probes projectedVolumeTemplate ' +
            'replica replicationSlots resources schedulerName seccompProfile securityContext serviceAccountName ' +
            'serviceAccountTemplate startDelay storage superuserSecret switchoverDelay tablespaces ' +
            'topologySpreadConstraints walStorage',
        ),
      },
    },
  },
};
