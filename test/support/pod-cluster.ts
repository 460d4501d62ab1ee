import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json } from './admin.ts';
import { CertificateAuthority, type KeyPair } from './certificates.ts';
import type { ControlPlane } from './control-plane.ts';
import { usualGroup } from './crds.ts';
import type { InstanceAccount } from './instance-account.ts';
import { Pod } from './pod.ts';
import type { PodContainer } from './pod-container.ts';
import { PodSet } from './pod-set.ts';
import type { Instances } from './writer.ts';

/** Milliseconds between two looks of the operator's part at whom the Service of the primary must lead to. */
const servicePeriod = 50;

export interface PodClusterOptions {
  readonly instances?: number;
  /** Members of the spec besides `instances`. */
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly group?: string;
  /** What differs in the containers of its Pods. */
  readonly container?: Partial<PodContainer>;
}

/**
 * A Cluster with its Pods on a real API server, and the operator's part in it: the objects that it makes, the status that it
 * keeps, and the Service of the primary (contract 03, 1.1 and 3.10). What it decides, the test decides.
 */
export class PodCluster extends PodSet implements Instances {
  readonly name = 'c';
  /** Of the superuser, the present one last. */
  readonly passwords: string[] = [randomBytes(8).toString('hex')];
  readonly pods: readonly Pod[];
  readonly account: InstanceAccount;
  readonly authority: CertificateAuthority;
  readonly #options: PodClusterOptions;
  readonly #listeners = new Set<(primary: string) => void>();
  #service: NodeJS.Timeout | undefined;
  #isGone = false;

  private constructor(
    plane: ControlPlane,
    account: InstanceAccount,
    namespace: string,
    options: PodClusterOptions,
  ) {
    super(plane, namespace, options.group);
    this.account = account;
    this.#options = options;
    this.authority = new CertificateAuthority(join(this.home, 'authority'));
    this.pods = Array.from({ length: options.instances ?? 3 }, (_, index) => {
      const directory = join(this.home, String(index + 1));
      mkdirSync(directory);
      return new Pod({
        name: `${this.name}-${index + 1}`,
        cluster: this.name,
        namespace,
        address: this.network.addPod(index + 1),
        apiPort: plane.port,
        account: account.directory,
        home: directory,
        options: this.group === usualGroup ? [] : ['--api-group', this.group],
        ...(options.container === undefined ? {} : { container: options.container }),
      });
    });
  }

  /** Makes everything but the Pods' containers, which `start` of each begins. */
  static async create(plane: ControlPlane, options: PodClusterOptions = {}): Promise<PodCluster> {
    const namespace = `test-${randomBytes(4).toString('hex')}`;
    const group = options.group ?? usualGroup;
    await plane.createNamespace(namespace);
    const account = await plane.createInstanceAccount({ cluster: 'c', namespace, group });
    const cluster = new PodCluster(plane, account, namespace, options);
    await cluster.network.relay(plane.port);
    await cluster.#makeObjects();
    cluster.#keepService();
    return cluster;
  }

  /** The same with all containers started and a primary that the others follow. */
  static async running(plane: ControlPlane, options: PodClusterOptions = {}): Promise<PodCluster> {
    const cluster = await PodCluster.create(plane, options);
    for (const pod of cluster.pods) pod.start();
    await cluster.untilPrimary('c-1');
    await cluster.untilStreaming('c-1', cluster.pods.length - 1);
    return cluster;
  }

  /** What an operator may count on when it fails over. */
  async quorum(): Promise<Json> {
    return (await this.plane.admin.get(`${this.#quorums}/${this.name}`)).status;
  }

  /** As the operator does when a failover is to go by a quorum. */
  async makeQuorum(): Promise<void> {
    await this.plane.admin.create(this.#quorums, {
      apiVersion: `${this.group}/v1`,
      kind: 'FailoverQuorum',
      metadata: { name: this.name },
    });
  }

  async removeQuorum(): Promise<void> {
    await this.plane.admin.delete(`${this.#quorums}/${this.name}`);
  }

  get #quorums(): string {
    return `/apis/${this.group}/v1/namespaces/${this.namespace}/failoverquorums`;
  }

  setTarget(name: string): Promise<Json> {
    return this.patchStatus({ targetPrimary: name, targetPrimaryTimestamp: new Date().toISOString() });
  }

  /** Replaces the content of a Secret, and says so in the status, as the operator does. */
  async replaceSecret(name: string, stringData: Readonly<Record<string, string>>): Promise<void> {
    const path = `/api/v1/namespaces/${this.namespace}/secrets/${this.name}-${name}`;
    const { metadata } = await this.plane.admin.patch(path, { stringData });
    const key = `${name}SecretVersion`;
    await this.patchStatus({ secretsResourceVersion: { [key]: metadata.resourceVersion } });
  }

  async changePassword(password: string): Promise<void> {
    this.passwords.push(password);
    await this.replaceSecret('superuser', { username: 'postgres', password });
  }

  onPrimary(listener: (primary: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get password(): string {
    return this.passwords.at(-1)!;
  }

  override async remove(): Promise<void> {
    this.#isGone = true;
    clearTimeout(this.#service);
    await super.remove();
  }

  async #makeObjects(): Promise<void> {
    const { admin } = this.plane;
    const core = `/api/v1/namespaces/${this.namespace}/secrets`;
    const secret = (name: string, stringData: Readonly<Record<string, string>>) =>
      admin.create(core, { metadata: { name: `${this.name}-${name}` }, stringData });
    const pair = ({ certificate, key }: KeyPair) => ({
      'tls.crt': readFileSync(certificate, 'utf8'),
      'tls.key': readFileSync(key, 'utf8'),
    });
    await secret('ca', { 'ca.crt': this.authority.pem });
    await secret('server', pair(this.authority.issueServer('server')));
    await secret('replication', pair(this.authority.issueClient('streaming_replica')));
    await secret('superuser', { username: 'postgres', password: this.passwords[0]! });
    const collection = this.path.slice(0, this.path.lastIndexOf('/'));
    const instances = this.pods.length;
    await admin.create(collection, {
      apiVersion: `${this.group}/v1`,
      kind: 'Cluster',
      metadata: { name: this.name },
      spec: { instances, storage: { size: '1Gi' }, enableSuperuserAccess: true, ...this.#options.spec },
    });
    const { metadata } = await this.read();
    const owner = { apiVersion: `${this.group}/v1`, kind: 'Cluster', name: this.name, uid: metadata.uid };
    await admin.create(`/apis/coordination.k8s.io/v1/namespaces/${this.namespace}/leases`, {
      metadata: { name: this.name, ownerReferences: [{ ...owner, controller: true }] },
    });
    const { synchronous } = (this.#options.spec?.postgresql ?? {}) as Json;
    if (synchronous?.failoverQuorum === true) await this.makeQuorum();
    const names = this.pods.map(({ name }) => name);
    await this.patchStatus({
      instances,
      instanceNames: names,
      instancesStatus: { healthy: names },
      instancesReportedState: Object.fromEntries(
        this.pods.map(({ name, address }) => [name, { isPrimary: name === 'c-1', ip: address.address }]),
      ),
      certificates: {
        serverCASecret: 'c-ca',
        clientCASecret: 'c-ca',
        serverTLSSecret: 'c-server',
        replicationTLSSecret: 'c-replication',
      },
      phase: 'Setting up primary',
      targetPrimary: 'c-1',
    });
  }

  /** The Service of the primary leads to whoever has said that it is it; it stays while nobody can be asked. */
  #keepService(): void {
    const look = async () => {
      const answer = await this.primary().then(
        (primary) => ({ primary }),
        () => undefined,
      );
      if (this.#isGone) return;
      if (answer !== undefined) this.#lead(answer.primary ?? '');
      this.#service = setTimeout(() => void look(), servicePeriod);
    };
    this.#lead('');
    void look();
  }

  #lead(primary: string): void {
    const address = this.pods.find(({ name }) => name === primary)?.address.address;
    const service = address === undefined ? [] : [[address, `${this.name}-rw`] as const];
    for (const pod of this.pods) pod.writeHosts([[this.network.api, 'kubernetes.default.svc'], ...service]);
    if (primary !== '') for (const listener of this.#listeners) listener(primary);
  }
}
