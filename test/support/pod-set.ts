import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import type { Json } from './admin.ts';
import type { ControlPlane } from './control-plane.ts';
import { usualGroup } from './crds.ts';
import { eventually } from './eventually.ts';
import type { Pod } from './pod.ts';
import { PodNetwork } from './pod-network.ts';
import { drop } from './sql.ts';

const streamingStandbys =
  "SELECT count(*)::int FROM pg_stat_replication WHERE state = 'streaming' AND application_name !~ '-join$'";

/** The Pods of one Cluster on a real API server, and how tests look at them. */
export abstract class PodSet {
  abstract readonly name: string;
  abstract readonly pods: readonly Pod[];
  readonly plane: ControlPlane;
  readonly namespace: string;
  readonly group: string;
  readonly network = new PodNetwork();
  /** Directory for everything of it. */
  readonly home: string;

  constructor(plane: ControlPlane, namespace: string, group = usualGroup) {
    this.plane = plane;
    this.namespace = namespace;
    this.group = group;
    this.home = mkdtempSync(join(tmpdir(), 'manager-test-'));
    chmodSync(this.home, 0o755);
    plane.atEnd(() => this.remove());
  }

  /** The present password of the superuser. */
  abstract get password(): string;

  pod(name: string): Pod {
    const found = this.pods.find((pod) => pod.name === name);
    if (found === undefined) throw new Error(`there is no ${name}`);
    return found;
  }

  get path(): string {
    return `/apis/${this.group}/v1/namespaces/${this.namespace}/clusters/${this.name}`;
  }

  read(): Promise<Json> {
    return this.plane.admin.get(this.path);
  }

  lease(): Promise<Json> {
    return this.plane.admin.get(
      `/apis/coordination.k8s.io/v1/namespaces/${this.namespace}/leases/${this.name}`,
    );
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
    const streaming = () => this.query(primary, streamingStandbys).catch(() => -1);
    await eventually(`${count} standbys of ${primary}`, async () => (await streaming()) === count).catch(
      (error: Error) => {
        throw new Error(`${error.message}\n${this.report()}`);
      },
    );
  }

  async primary(): Promise<string | undefined> {
    return (await this.read()).status?.currentPrimary as string | undefined;
  }

  client(name: string): pg.Client {
    return this.pod(name).client(this.password);
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
      if ((await this.ask(currentPrimary, streamingStandbys)) !== this.pods.length - 1) return undefined;
      for (const pod of this.pods) if ((await pod.get('/readyz')).code !== 200) return undefined;
      return currentPrimary as string;
    });
  }

  report(): string {
    return this.pods.map((pod) => pod.report()).join('\n\n');
  }

  async remove(): Promise<void> {
    // There are none when they could not be made.
    const pods: readonly Pod[] | undefined = this.pods;
    await Promise.all((pods ?? []).map((pod) => pod.kill()));
    this.network.remove();
    rmSync(this.home, { recursive: true, force: true, maxRetries: 5 });
  }
}
