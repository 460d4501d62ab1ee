import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { stopPolicyOf } from '../../../src/cluster/cluster.ts';
import { parseClusterFile } from '../../../src/cluster/cluster-file.ts';
import type { FieldType } from '../../../src/cluster/field-type.ts';
import { clusterSchema } from '../../../src/cluster/schema.ts';

const head = 'apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata:\n  name: demo\nspec:\n';
const problem = (text: string) =>
  parseClusterFile(text, 'c.yaml').then(
    () => 'no problem',
    (error: Error) => error.message,
  );

describe('a cluster file', () => {
  test('is read', async () => {
    const { cluster, warnings } = await parseClusterFile(
      `${head}  stopDelay: 30\n  postgresql:\n    parameters: {work_mem: "5MB"}\n`,
      'c',
    );
    expect(cluster.spec.postgresql?.parameters).toEqual({ work_mem: '5MB' });
    expect(stopPolicyOf(cluster.spec)).toEqual({ smartSeconds: 0, fastSeconds: 30, immediateSeconds: 60 });
    expect(warnings).toEqual([]);
  });
  test('of the other operator too, and with anchors', async () => {
    const text = `${head.replace('cnpg.io', 'k8s.enterprisedb.io')}  postgresql:\n    pg_hba: [&a local all all trust, *a]\n`;
    expect((await parseClusterFile(text, 'c')).cluster.spec.postgresql?.pg_hba).toHaveLength(2);
  });
  test('what has no effect is named once each, with its place', async () => {
    const { warnings } = await parseClusterFile(`${head}  imageName: x\n  storage:\n    size: 1Gi\n`, 'c');
    expect(warnings.map(({ path, line }) => [path, line])).toEqual([
      ['spec.imageName', 6],
      ['spec.storage', 7],
    ]);
  });
  test('a quorum for a failover is nothing that a file can have: nobody would ask for it', async () => {
    const synchronous = (isWanted: boolean) =>
      `${head}  postgresql:\n    synchronous: {method: any, number: 1, failoverQuorum: ${isWanted}}\n  instances: 2\n`;
    const { warnings } = await parseClusterFile(synchronous(true), 'c');
    expect(warnings).toMatchObject([
      {
        path: 'spec.postgresql.synchronous.failoverQuorum',
        line: 7,
        text: expect.stringContaining('has no effect with a Cluster file'),
      },
    ]);
    expect((await parseClusterFile(synchronous(false), 'c')).warnings).toEqual([]);
  });
  test.each([
    ['  instanes: 1', 'c.yaml:6:3: unknown field spec.instanes; did you mean instances?'],
    [
      '  postgresql:\n    parameters:\n      work_mem: 5',
      'c.yaml:8:17: spec.postgresql.parameters.work_mem must be a string: quote it, "5"',
    ],
    [
      '  postgresql:\n    parameters:\n      Log_Destination: stderr',
      'c.yaml:8:7: spec.postgresql.parameters.Log_Destination is set by the manager',
    ],
    ['  stopDelay: soon', 'c.yaml:6:14: spec.stopDelay must be a whole number'],
    ['  stopDelay: -1', 'c.yaml:6:14: spec.stopDelay must be a whole number'],
    ['  postgresql: [1]', 'c.yaml:6:15: spec.postgresql must be a map'],
    ['  postgresql:\n    pg_hba: local', 'c.yaml:7:13: spec.postgresql.pg_hba must be a list'],
    ['  bootstrap:\n    initdb: {dataChecksums: yes please}', 'must be true or false'],
    ['  stopDelay: 1\n  stopDelay: 2', 'Map keys must be unique'],
    ['  stopDelay:', 'c.yaml:6:13: spec.stopDelay must be a whole number'],
    [
      '  primaryUpdateStrategy: none',
      'c.yaml:6:26: spec.primaryUpdateStrategy must be unsupervised or supervised',
    ],
    ['  postgresql: {synchronous: {method: any}}', 'spec.postgresql.synchronous.number is missing'],
    ['  postgresql: {synchronous: {method: all, number: 1}}', 'method must be any or first'],
    ['  replicationSlots: {highAvailability: {slotPrefix: A-}}', 'slotPrefix cannot be "A-"'],
    ['  constructor: 1', 'unknown field spec.constructor'],
    ['status: {targetPrimary: 5}', 'c.yaml:6:25: status.targetPrimary must be a string: quote it, "5"'],
    ['status: {instancesReportedState: {c-1: {}}}', 'status.instancesReportedState.c-1.isPrimary is missing'],
    ['status: {instancesStatus: {healthy: c-1}}', 'status.instancesStatus.healthy must be a list'],
    ['  stopDelay: [1', 'c.yaml:'],
  ])('%j: %s', async (spec, message) => expect(await problem(`${head}${spec}\n`)).toContain(message));
  test.each([
    ['kind: Cluster', 'apiVersion is missing'],
    ['', 'must be a map'],
    [`${head.replace('name: demo', 'name: "De mo"')}  instances: 1\n`, 'metadata.name must be'],
    [head.replace('kind: Cluster', 'kind: Pod'), 'kind cannot be "Pod"'],
    [`${head}---\n${head}`, 'c.yaml:'],
  ])('%j: %s', async (text, message) => expect(await problem(text)).toContain(message));
  test.each([
    [
      '  primaryLease:\n    leaseDurationSeconds: 10',
      'c.yaml:7:27: spec.primaryLease: leaseDurationSeconds (10 s) must be more than renewDeadlineSeconds (10 s)',
    ],
    [
      '  primaryLease:\n    retryPeriodSeconds: 9',
      'c.yaml:7:5: spec.primaryLease: renewDeadlineSeconds (10 s) must be more than 1.2 times retryPeriodSeconds (9 s)',
    ],
    ['  primaryLease: {renewDeadlineSeconds: 12, retryPeriodSeconds: 10}', 'more than 1.2 times'],
    ['  primaryLease: {renewDeadlineSeconds: 13, retryPeriodSeconds: 10}', 'no problem'],
    ['  primaryLease: {leaseDurationSeconds: 11}', 'no problem'],
    ['  instances: 3\n  minSyncReplicas: 2\n  maxSyncReplicas: 1', 'c.yaml:7:20: spec.minSyncReplicas (2)'],
    ['  instances: 2\n  maxSyncReplicas: 2', 'c.yaml:7:20: spec.maxSyncReplicas (2) must be less than'],
    ['  instances: 2\n  maxSyncReplicas: 1', 'no problem'],
    ['  instances: 3\n  postgresql: {synchronous: {method: any, number: 3}}', 'c.yaml:7:51:'],
    [
      '  instances: 3\n  postgresql: {synchronous: {method: any, number: 3, standbyNamesPre: [x]}}',
      'no problem',
    ],
    [
      '  instances: 3\n  postgresql: {synchronous: {method: any, number: 1, standbyNamesPost: [x], dataDurability: preferred}}',
      'allows neither',
    ],
  ])('rules over several fields: %j: %s', async (spec, message) => {
    expect(await problem(`${head}${spec}\n`)).toContain(message);
  });
  test('metadata and status that an operator wrote are taken as they are', async () => {
    const text = head
      .replace('  name: demo\n', '  name: demo\n  uid: x\n  labels: {a: b}\n  resourceVersion: "7"\n')
      .replace(
        'spec:',
        'status: {phase: x, conditions: [], readyInstances: 3, topology: {nodesUsed: 1}}\nspec:',
      );
    const { cluster, warnings } = await parseClusterFile(`${text}  instances: 2\n`, 'c');
    expect(cluster.metadata.resourceVersion).toBe('7');
    expect(cluster.status).toMatchObject({ phase: 'x', readyInstances: 3 });
    expect(warnings).toEqual([]);
  });
  test('a fence that cannot be read is a warning with its place', async () => {
    const text = head.replace(
      '  name: demo\n',
      "  name: demo\n  annotations:\n    cnpg.io/fencedInstances: 'c-1'\n",
    );
    const { warnings } = await parseClusterFile(`${text}  instances: 2\n`, 'c');
    expect(warnings).toMatchObject([{ line: 6, column: 30 }]);
    expect(warnings[0]!.text).toContain('nobody is fenced');
  });
  test('what is about several instances is named where there is one', async () => {
    const text = `${head}  switchoverDelay: 5\n  postgresql:\n    promotionTimeout: 9\n`.replace(
      '  name: demo\n',
      `  name: demo\n  annotations:\n    cnpg.io/fencedInstances: '["*"]'\n`,
    );
    const { warnings } = await parseClusterFile(text, 'c');
    expect(warnings.map(({ path }) => path)).toEqual([
      'spec.switchoverDelay',
      'spec.postgresql.promotionTimeout',
      'metadata.annotations.cnpg.io/fencedInstances',
    ]);
    const shared = await parseClusterFile(`${text}  instances: 2\n`, 'c');
    expect(shared.warnings).toEqual([]);
  });
  test('every problem is told, not only the first', async () => {
    const told = await problem(`${head}  one: 1\n  two: 2\n`);
    expect(told.match(/unknown field/g)).toHaveLength(2);
  });
});

const definition = join(import.meta.dirname, '../../../../shared/crds/postgresql.cnpg.io_clusters.yaml');
test.runIf(existsSync(definition))(
  'the schema knows every field that the operator knows, and no other',
  () => {
    type Node = { properties?: Record<string, Node> };
    const resource = parse(readFileSync(definition, 'utf8')) as {
      spec: { versions: Array<{ schema: { openAPIV3Schema: Node } }> };
    };
    const theirs = resource.spec.versions[0]!.schema.openAPIV3Schema.properties!.spec!;
    const at = (type: FieldType, name: string) => (type.kind === 'object' ? type.fields[name]! : type);
    const spec = at(clusterSchema, 'spec');
    const below = (node: Node, path: string) =>
      path.split('.').reduce((each, name) => each.properties![name]!, node);
    const within = (type: FieldType, path: string) => path.split('.').reduce(at, type);
    const names = (type: FieldType) => new Set(type.kind === 'object' ? Object.keys(type.fields) : []);
    const known = (node: Node) => new Set(Object.keys(node.properties!));
    expect(names(spec)).toEqual(known(theirs));
    expect(names(at(spec, 'postgresql'))).toEqual(known(theirs.properties!.postgresql!));
    expect(names(at(spec, 'bootstrap'))).toEqual(known(theirs.properties!.bootstrap!));
    for (const path of [
      'bootstrap.initdb',
      'postgresql.synchronous',
      'postgresql.syncReplicaElectionConstraint',
      'primaryLease',
      'replicationSlots',
      'replicationSlots.highAvailability',
      'replicationSlots.synchronizeReplicas',
    ]) {
      expect(names(within(spec, path)), path).toEqual(known(below(theirs, path)));
    }
    const status = resource.spec.versions[0]!.schema.openAPIV3Schema.properties!.status!;
    const ours = ['recloneRequests', 'forgetRequests'];
    for (const name of names(at(clusterSchema, 'status'))) {
      if (!ours.includes(name)) expect(known(status)).toContain(name);
    }
  },
);
