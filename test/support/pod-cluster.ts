import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import type { Json } from './admin.ts';
import { CertificateAuthority, type KeyPair } from './certificates.ts';
import type { ControlPlane } from './control-plane.ts';
import { usualGroup } from './crds.ts';
import { eventually } from './eventually.ts';
import type { InstanceAccount } from './instance-account.ts';
import { Pod } from './pod.ts';
import type { PodContainer } from './pod-container.ts';
import { PodNetwork } from './pod-network.ts';
import { drop } from './sql.ts';
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
export class PodCluster implements Instances {
  readonly name = 'c';
  readonly namespace: string;
  /** Of the superuser, the present one last. */
  readonly passwords: string[] = [randomBytes(8).toString('hex')];
  readonly network = new PodNetwork();
  readonly pods: readonly Pod[];
  readonly account: InstanceAccount;
  readonly plane: ControlPlane;
  readonly authority: CertificateAuthority;
  readonly #home: string;
  readonly #group: string;
  readonly #options: PodClusterOptions;
  readonly #listeners = new Set<(primary: string) => void>();
  #service: NodeJS.Timeout | undefined;
  #isGone = false;

  private constructor(
    plane: ControlPlane,
    account: InstanceAccount,
    home: string,
    namespace: string,
    options: PodClusterOptions,
  ) {
    this.plane = plane;
    this.account = account;
    this.namespace = namespace;
    this.#home = home;
    this.#group = options.group ?? usualGroup;
    this.#options = options;
    this.authority = new CertificateAuthority(join(home, 'authority'));
    this.pods = Array.from({ length: options.instances ?? 3 }, (_, index) => {
      const directory = join(home, String(index + 1));
      mkdirSync(directory);
      return new Pod({
        name: `${this.name}-${index + 1}`,
        cluster: this.name,
        namespace,
        address: this.network.addPod(index + 1),
        apiPort: plane.port,
        account: account.directory,
        home: directory,
        options: this.#group === usualGroup ? [] : ['--api-group', this.#group],
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
    const home = mkdtempSync(join(tmpdir(), 'manager-test-'));
    chmodSync(home, 0o755);
    const cluster = new PodCluster(plane, account, home, namespace, options);
    plane.atEnd(() => cluster.remove());
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

  pod(name: string): Pod {
    const found = this.pods.find((pod) => pod.name === name);
    if (found === undefined) throw new Error(`there is no ${name}`);
    return found;
  }

  get path(): string {
    return `/apis/${this.#group}/v1/namespaces/${this.namespace}/clusters/${this.name}`;
  }

  read(): Promise<Json> {
    return this.plane.admin.get(this.path);
  }

  lease(): Promise<Json> {
    return this.plane.admin.get(
      `/apis/coordination.k8s.io/v1/namespaces/${this.namespace}/leases/${this.name}`,
    );
  }

  /** What an operator may count on when it fails over. */
  async quorum(): Promise<Json> {
    return (await this.plane.admin.get(`${this.#quorums}/${this.name}`)).status;
  }

  get #quorums(): string {
    return `/apis/${this.#group}/v1/namespaces/${this.namespace}/failoverquorums`;
  }

  patchStatus(status: Readonly<Record<string, unknown>>): Promise<Json> {
    return this.plane.admin.patch(`${this.path}/status`, { status });
  }

  patchSpec(spec: Readonly<Record<string, unknown>>): Promise<Json> {
    return this.plane.admin.patch(this.path, { spec });
  }

  annotate(annotations: Readonly<Record<string, string | null>>): Promise<Json> {
    return this.plane.admin.patch(this.path, { metadata: { annotations } });
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

  async untilPrimary(name: string): Promise<void> {
    const isIt = async () => (await this.read()).status?.currentPrimary === name;
    await eventually(`${name} to be the current primary`, () => isIt().catch(() => false)).catch(
      (error: Error) => {
        throw new Error(`${error.message}\n${this.report()}`);
      },
    );
  }

  /** The first column of the first row that an instance answers with. */
  async query(name: string, sql: string): Promise<unknown> {
    const client = this.client(name);
    try {
      await client.connect();
      const question = { text: sql, rowMode: 'array', query_timeout: 5_000 } as const;
      const { rows } = await client.query<unknown[]>(question);
      return rows[0]?.[0];
    } finally {
      drop(client);
    }
  }

  async untilStreaming(primary: string, count: number): Promise<void> {
    const sql =
      "SELECT count(*)::int FROM pg_stat_replication WHERE state = 'streaming' AND application_name !~ '-join$'";
    const streaming = () => this.query(primary, sql).catch(() => -1);
    await eventually(`${count} standbys of ${primary}`, async () => (await streaming()) === count).catch(
      (error: Error) => {
        throw new Error(`${error.message}\n${this.report()}`);
      },
    );
  }

  async primary(): Promise<string | undefined> {
    return (await this.read()).status?.currentPrimary as string | undefined;
  }

  onPrimary(listener: (primary: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  client(name: string): pg.Client {
    return this.pod(name).client(this.passwords.at(-1)!);
  }

  ask(name: string, sql: string): Promise<unknown> {
    return this.query(name, sql).catch(() => undefined);
  }

  eventually<T>(what: string, look: () => T | Promise<T>): Promise<NonNullable<T>> {
    return eventually(what, look).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.report()}`);
    });
  }

  others(name: string): readonly string[] {
    return this.pods.map((pod) => pod.name).filter((other) => other !== name);
  }

  /** Waits until there is one primary, and all others stream from it and are ready. */
  async healthy(): Promise<string> {
    return this.eventually('all to be healthy', async () => {
      const { currentPrimary = '', targetPrimary } = (await this.read()).status ?? {};
      if (currentPrimary === '' || currentPrimary !== targetPrimary) return undefined;
      const sql =
        "SELECT count(*)::int FROM pg_stat_replication WHERE state = 'streaming' AND application_name !~ '-join$'";
      if ((await this.ask(currentPrimary, sql)) !== this.pods.length - 1) return undefined;
      for (const pod of this.pods) if ((await pod.get('/readyz')).code !== 200) return undefined;
      return currentPrimary as string;
    });
  }

  report(): string {
    return this.pods.map((pod) => pod.report()).join('\n\n');
  }

  async remove(): Promise<void> {
    this.#isGone = true;
    clearTimeout(this.#service);
    await Promise.all(this.pods.map((pod) => pod.kill()));
    this.network.remove();
    rmSync(this.#home, { recursive: true, force: true, maxRetries: 5 });
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
      apiVersion: `${this.#group}/v1`,
      kind: 'Cluster',
      metadata: { name: this.name },
      spec: { instances, storage: { size: '1Gi' }, enableSuperuserAccess: true, ...this.#options.spec },
    });
    const { metadata } = await this.read();
    const owner = { apiVersion: `${this.#group}/v1`, kind: 'Cluster', name: this.name, uid: metadata.uid };
    await admin.create(`/apis/coordination.k8s.io/v1/namespaces/${this.namespace}/leases`, {
      metadata: { name: this.name, ownerReferences: [{ ...owner, controller: true }] },
    });
    const { synchronous } = (this.#options.spec?.postgresql ?? {}) as Json;
    if (synchronous?.failoverQuorum === true) {
      await admin.create(this.#quorums, {
        apiVersion: `${this.#group}/v1`,
        kind: 'FailoverQuorum',
        metadata: { name: this.name },
      });
    }
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
