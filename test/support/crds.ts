import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Admin, Json } from './admin.ts';
import { eventually } from './eventually.ts';
import { repository } from './sources.ts';

/** The definitions of the operator, when they are beside this repository. */
const theirs = join(repository, '..', 'shared', 'crds');
const ours = join(repository, 'images', 'kubernetes', 'crd.yaml');
/** The group of our own definition, and of the operator's. */
export const usualGroup = 'postgresql.cnpg.io';
/** EDB's operator has the same kinds in another group. */
export const otherGroup = 'postgresql.k8s.enterprisedb.io';

/** Of these an instance knows; the operator has others that are large. */
const plurals = new Set([
  ...[
    'backups',
    'clusters',
    'databases',
    'databaseroles',
    'failoverquorums',
    'publications',
    'subscriptions',
  ],
]);

/** Whose definition of a Cluster is used: the operator's, which checks and prunes, or a small one that takes everything. */
export type CrdOrigin = 'operator' | 'own';

export interface CrdOptions {
  readonly group?: string;
  /** By default the operator's, if they are there. */
  readonly origin?: CrdOrigin;
}

/**
 * Makes the kinds known. MANAGER_TEST_CRDS is `own`, or a directory with the operator's definitions.
 *
 * @returns whose they are
 */
export async function installCrds(admin: Admin, options: CrdOptions = {}): Promise<CrdOrigin> {
  const { group = usualGroup } = options;
  const wanted = process.env.MANAGER_TEST_CRDS;
  const directory = wanted === undefined || wanted === 'own' ? theirs : wanted;
  const isOwn = wanted === 'own' || options.origin === 'own' || !existsSync(directory);
  const texts = isOwn
    ? [readFileSync(ours, 'utf8'), quorumLike(readFileSync(ours, 'utf8'))]
    : readdirSync(directory)
        .filter(isNeeded)
        .map((name) => readFileSync(join(directory, name), 'utf8'));
  await Promise.all(texts.map((text) => install(admin, text.replaceAll(usualGroup, group))));
  return isOwn ? 'own' : 'operator';
}

/** The same definition for the other kind with a status that instances write. */
function quorumLike(text: string): string {
  return text
    .replaceAll('clusters', 'failoverquorums')
    .replace('singular: cluster', 'singular: failoverquorum')
    .replace('kind: Cluster\n', 'kind: FailoverQuorum\n')
    .replace('ClusterList', 'FailoverQuorumList');
}

function isNeeded(file: string): boolean {
  return plurals.has(/_(\w+)\.yaml$/.exec(file)?.[1] ?? '');
}

async function install(admin: Admin, text: string): Promise<void> {
  const crd: Json = parse(text);
  const { name } = crd.metadata;
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  await admin.create(path, crd);
  const { group, names, versions } = crd.spec;
  // Established, and really served.
  await eventually(`the kind of ${name}`, async () => {
    const { code } = await admin.ask('GET', `/apis/${group}/${versions[0].name}/${names.plural}?limit=1`);
    return code === 200;
  });
}
