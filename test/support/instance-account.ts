import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Admin, Json } from './admin.ts';
import { instanceRules } from './instance-role.ts';

/** Seconds that a token lasts, as the operator asks for it (contract 03, 1.2). */
const tokenSeconds = 3_607;

export interface AccountOptions {
  readonly cluster: string;
  readonly namespace: string;
  /** Group of the Cluster. */
  readonly group: string;
}

/** Where an account comes from. */
export interface AccountPlace {
  readonly admin: Admin;
  readonly ca: string;
}

/** The service account of the instances of one Cluster, and the directory that the kubelet would mount for one of them. */
export class InstanceAccount {
  /** With `token`, `ca.crt` and `namespace`. */
  readonly directory: string;
  /** As the API server calls it. */
  readonly user: string;
  readonly #place: AccountPlace;
  readonly #options: AccountOptions;

  private constructor(place: AccountPlace, options: AccountOptions, directory: string) {
    this.#place = place;
    this.#options = options;
    this.directory = directory;
    this.user = `system:serviceaccount:${options.namespace}:${options.cluster}`;
  }

  /** Makes ServiceAccount, Role and RoleBinding as the operator does, and a Pod for which the token is. */
  static async create(
    place: AccountPlace,
    options: AccountOptions,
    parent: string,
  ): Promise<InstanceAccount> {
    const { namespace, cluster } = options;
    const { admin } = place;
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
    const apiGroup = 'rbac.authorization.k8s.io';
    const metadata = { name: cluster };
    await admin.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, {
      metadata,
      automountServiceAccountToken: false,
    });
    await admin.create(`${rbac}/roles`, { metadata, rules: instanceRules(options) });
    await admin.create(`${rbac}/rolebindings`, {
      metadata,
      roleRef: { apiGroup, kind: 'Role', name: cluster },
      subjects: [{ kind: 'ServiceAccount', name: cluster, namespace }],
    });
    await createPod(place, options);
    return InstanceAccount.adopt(place, options, parent);
  }

  /** Of objects that are there already, the Pod of the first instance included. */
  static async adopt(place: AccountPlace, options: AccountOptions, parent: string): Promise<InstanceAccount> {
    const directory = join(parent, options.namespace, options.cluster);
    mkdirSync(directory, { recursive: true });
    const account = new InstanceAccount(place, options, directory);
    account.#write('namespace', options.namespace);
    account.writeAuthority();
    await account.rotateToken();
    return account;
  }

  get token(): string {
    return readFileSync(join(this.directory, 'token'), 'utf8');
  }

  /** Puts a new token into the directory; the one before stays good. */
  async rotateToken(): Promise<void> {
    this.#write('token', await this.newToken());
  }

  /** A token for the Pod that there is now. */
  async newToken(): Promise<string> {
    const { cluster } = this.#options;
    const { metadata } = await this.#place.admin.get(this.#path(`pods/${cluster}-1`));
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: metadata.name, uid: metadata.uid };
    const request = { spec: { expirationSeconds: tokenSeconds, boundObjectRef } };
    const answer: Json = await this.#place.admin.create(
      this.#path(`serviceaccounts/${cluster}/token`),
      request,
    );
    return answer.status.token as string;
  }

  /**
   * Replaces the Pod, so that every token until now becomes bad. The server remembers good ones for some ten seconds: wait
   * until the old one is refused.
   */
  async revokeTokens(): Promise<void> {
    await this.#place.admin.delete(this.#path(`pods/${this.#options.cluster}-1?gracePeriodSeconds=0`));
    await createPod(this.#place, this.#options);
  }

  /** Puts the authority that the server has now, or will have, into the directory. */
  writeAuthority(): void {
    this.#write('ca.crt', this.#place.ca);
  }

  #path(rest: string): string {
    return `/api/v1/namespaces/${this.#options.namespace}/${rest}`;
  }

  /** As the kubelet does it: nobody reads half of a file. */
  #write(name: string, text: string): void {
    const path = join(this.directory, name);
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  }
}

async function createPod({ admin }: AccountPlace, { cluster, namespace }: AccountOptions): Promise<void> {
  const containers = [{ name: 'postgres', image: 'postgres' }];
  await admin.create(`/api/v1/namespaces/${namespace}/pods`, {
    metadata: { name: `${cluster}-1` },
    spec: { serviceAccountName: cluster, automountServiceAccountToken: false, containers },
  });
}
