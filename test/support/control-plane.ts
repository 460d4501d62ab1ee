import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ControlPlanePrograms } from '../setup/control-plane.ts';
import { Admin } from './admin.ts';
import { type AuditedRequest, requestsOf, writeAuditPolicy } from './audit-log.ts';
import { CertificateAuthority, type KeyPair, makeSigningKey } from './certificates.ts';
import { type CrdOptions, type CrdOrigin, installCrds } from './crds.ts';
import { Etcd } from './etcd.ts';
import { type AccountOptions, InstanceAccount } from './instance-account.ts';
import { LastingProcess } from './lasting-process.ts';
import { lastingPort } from './ports.ts';

const adminToken = 'the-token-of-the-administrator';
/** What service accounts are told that the server is called. */
const issuer = 'https://kubernetes.default.svc';

/** Takes what is to be done at the end of a test, or of whatever else uses a control plane. */
export type AtEnd = (end: () => void | Promise<void>) => void;

/** A kube-apiserver with RBAC and its etcd, for one test file. */
export class ControlPlane {
  /** Lasts over restarts. */
  readonly port: number;
  readonly admin: Admin;
  readonly etcd: Etcd;
  readonly atEnd: AtEnd;
  readonly #directory: string;
  readonly #program: string;
  #authority: CertificateAuthority;
  #serving: KeyPair;
  #server: LastingProcess | undefined;

  private constructor(directory: string, port: number, etcd: Etcd, program: string, atEnd: AtEnd) {
    this.#directory = directory;
    this.port = port;
    this.etcd = etcd;
    this.#program = program;
    this.atEnd = atEnd;
    this.#authority = new CertificateAuthority(join(directory, 'ca'));
    this.#serving = this.#authority.issueServer('kube-apiserver');
    this.admin = new Admin(() => ({ port, token: adminToken, ca: this.ca }));
    makeSigningKey(this.#file('service-account.key'));
    writeFileSync(this.#file('tokens.csv'), `${adminToken},admin,1,"system:masters"\n`, { mode: 0o600 });
    writeAuditPolicy(this.#file('audit-policy.json'));
  }

  /** @param atEnd for those who make something on it that lasts for less than itself */
  static async start(programs: ControlPlanePrograms, atEnd: AtEnd): Promise<ControlPlane> {
    if (!programs.available) throw new Error(programs.reason);
    const directory = mkdtempSync(join(tmpdir(), 'manager-test-control-plane-'));
    mkdirSync(join(directory, 'certificates'));
    let etcd: Etcd | undefined;
    try {
      etcd = await Etcd.start(programs.etcd, directory);
      const plane = new ControlPlane(directory, await lastingPort(), etcd, programs.apiServer, atEnd);
      await plane.startServer();
      return plane;
    } catch (error) {
      await etcd?.stop();
      remove(directory);
      throw error;
    }
  }

  /** What the certificate of the server is checked against, in PEM. */
  get ca(): string {
    return this.#authority.pem;
  }

  /** A certificate of this authority for somebody who stands before the server. */
  get serving(): KeyPair {
    return this.#serving;
  }

  /** Starts the API server alone, on the same port and the same data. */
  async startServer(): Promise<void> {
    this.#server = new LastingProcess(this.#program, this.#arguments(), this.#file('kube-apiserver.log'));
    const isReady = () =>
      this.admin.ask('GET', '/readyz').then(
        ({ code }) => code === 200,
        () => false,
      );
    await this.#server.ready('the API server', isReady);
  }

  /** Stops the API server alone; by SIGKILL nobody is told. */
  async stopServer(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.#server?.stop(signal);
    this.#server = undefined;
  }

  /** From its next start on the server has a certificate of another authority, which is then `ca`. */
  rotateAuthority(): void {
    this.#authority = new CertificateAuthority(this.#file(`ca-${Date.now()}`));
    this.#serving = this.#authority.issueServer('kube-apiserver');
  }

  applyCrds(options?: CrdOptions): Promise<CrdOrigin> {
    return installCrds(this.admin, options);
  }

  async createNamespace(name: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.admin.create('/api/v1/namespaces', { metadata: { name, labels } });
  }

  createInstanceAccount(options: AccountOptions): Promise<InstanceAccount> {
    return InstanceAccount.create(this, options, join(this.#directory, 'accounts'));
  }

  /** The same for an account that somebody else has made, with the Pod of the first instance. */
  adoptInstanceAccount(options: AccountOptions): Promise<InstanceAccount> {
    return InstanceAccount.adopt(this, options, join(this.#directory, 'accounts'));
  }

  /** Every request of a service account that has been answered, and every watch that has begun. */
  requestsOf({ user }: Pick<InstanceAccount, 'user'>): AuditedRequest[] {
    return requestsOf(this.#file('audit.jsonl'), user);
  }

  async destroy(): Promise<void> {
    await this.stopServer('SIGKILL');
    await this.etcd.stop();
    remove(this.#directory);
  }

  #file(name: string): string {
    return join(this.#directory, name);
  }

  #arguments(): string[] {
    const flags = {
      'etcd-servers': this.etcd.url,
      'bind-address': '127.0.0.1',
      'advertise-address': '127.0.0.1',
      'secure-port': String(this.port),
      'cert-dir': this.#file('certificates'),
      'tls-cert-file': this.#serving.certificate,
      'tls-private-key-file': this.#serving.key,
      'token-auth-file': this.#file('tokens.csv'),
      'authorization-mode': 'RBAC',
      'service-account-issuer': issuer,
      'service-account-key-file': this.#file('service-account.key.pub'),
      'service-account-signing-key-file': this.#file('service-account.key'),
      // Otherwise a token that is asked for an hour lasts for a year.
      'service-account-extend-token-expiration': 'false',
      'service-cluster-ip-range': '10.0.0.0/24',
      'endpoint-reconciler-type': 'none',
      // So long a server that is told to stop waits for watches that nobody ends.
      'request-timeout': '10s',
      'audit-policy-file': this.#file('audit-policy.json'),
      'audit-log-path': this.#file('audit.jsonl'),
      // What has been answered has been written down.
      'audit-log-mode': 'blocking-strict',
    };
    return Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  }
}

function remove(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}
