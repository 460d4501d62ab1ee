import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json } from './admin.ts';
import type { ControlPlane } from './control-plane.ts';
import type { InstanceAccount } from './instance-account.ts';
import { apply, collectionOf, containerOf, manifest, podsOf, secrets } from './manifests.ts';
import { Pod } from './pod.ts';
import { PodSet } from './pod-set.ts';

/** Nothing else is let in (Kubernetes, Pod Security Standards). */
const restricted = { 'pod-security.kubernetes.io/enforce': 'restricted' };

/** The Cluster of images/kubernetes, and a person who looks after it: no operator. */
export class ManifestCluster extends PodSet {
  readonly name = 'demo';
  readonly account: InstanceAccount;
  readonly pods: readonly Pod[];

  private constructor(plane: ControlPlane, namespace: string, account: InstanceAccount, objects: Json[]) {
    super(plane, namespace);
    this.account = account;
    this.pods = objects.map((object, index) => {
      const home = join(this.home, object.metadata.name);
      mkdirSync(home);
      const container = containerOf(object, home, account.directory);
      for (const { source } of container.mounts) if (source.startsWith(home)) chmodSync(source, 0o777);
      return new Pod({
        ...{ name: object.metadata.name, cluster: this.name, namespace, home, container },
        address: this.network.addPod(index + 1),
        apiPort: plane.port,
        account: account.directory,
      });
    });
  }

  /** All objects are there, and nobody runs. */
  static async create(plane: ControlPlane): Promise<ManifestCluster> {
    const namespace = `test-${randomBytes(4).toString('hex')}`;
    const { admin } = plane;
    await plane.createNamespace(namespace, restricted);
    for (const file of ['account.yaml', 'cluster.yaml', 'instances.yaml'])
      for (const object of manifest(file)) await apply(admin, namespace, object);
    const [set] = manifest('instances.yaml');
    const objects: Json[] = [];
    for (const object of podsOf(set)) objects.push(await apply(admin, namespace, object));
    const account = await plane.adoptInstanceAccount({ cluster: 'demo', namespace, group: 'unused' });
    const cluster = new ManifestCluster(plane, namespace, account, objects);
    for (const object of cluster.#secrets()) await apply(admin, namespace, object);
    await cluster.network.relay(plane.port);
    await cluster.pointTo('demo-1');
    return cluster;
  }

  get password(): string {
    return readFileSync(join(this.#keys, 'superuser.password'), 'utf8').trim();
  }

  /** `kubectl patch service`: moves the Service of the primary. */
  async pointTo(primary: string): Promise<void> {
    const path = `/api/v1/namespaces/${this.namespace}/services/${this.name}-rw`;
    const selector = { 'statefulset.kubernetes.io/pod-name': primary };
    const { metadata, spec } = await this.plane.admin.patch(path, { spec: { selector } });
    const led = this.pod(spec.selector['statefulset.kubernetes.io/pod-name'] as string);
    const names = this.pods.map(({ name, address }) => [address.address, `${name}.demo-any`] as const);
    const service = [led.address.address, metadata.name as string] as const;
    const api = [this.network.api, 'kubernetes.default.svc'] as const;
    for (const pod of this.pods) pod.writeHosts([api, service, ...names]);
  }

  /** Makes certificates anew, and says so: nobody looks at Secrets otherwise. */
  async renewSecrets(): Promise<void> {
    const { admin } = this.plane;
    for (const object of this.#secrets())
      await admin.patch(`${collectionOf(this.namespace, object)}/${object.metadata.name}`, object);
    await this.annotate({ 'cnpg.io/reloadedAt': new Date().toISOString() });
  }

  get #keys(): string {
    return join(this.home, 'keys');
  }

  #secrets(): Json[] {
    return secrets(this.#keys, this.name, this.namespace);
  }
}
