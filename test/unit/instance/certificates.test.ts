import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { Certificates } from '../../../src/instance/certificates.ts';
import { Listener } from '../../../src/instance/listener.ts';
import type { InstanceSettings } from '../../../src/instance/settings.ts';
import { askForPromise } from '../../../src/server/failsafe.ts';
import type { StatusSource } from '../../../src/server/status-server.ts';
import { certificateSecrets, type Members, pem } from '../../support/secrets.ts';
import { clusterOf } from '../cluster/support.ts';
import { directoryWith } from './support.ts';

const never = new AbortController().signal;
const cluster = clusterOf({ spec: {} });
const { name } = cluster.metadata;
/** Certificates that have been settled once; `secrets` is what there is from then on. */
async function settled() {
  const home = directoryWith();
  const { authority, secrets, reader } = certificateSecrets(home, cluster);
  const server = secrets.get('server')!;
  const other = pem(authority.issueServer('other'));
  const directory = join(home, 'certificates');
  const certificates = new Certificates(directory, reader);
  expect(await certificates.settle(cluster, never)).toMatchObject({ missing: [], broken: [] });
  return { certificates, directory, secrets, authority, server, other };
}

test('files and their directory are for their owner only', async () => {
  const { directory } = await settled();
  const modeOf = (...path: string[]) => (statSync(join(directory, ...path)).mode & 0o777).toString(8);
  expect(modeOf()).toBe('700');
  for (const file of ['server-ca.crt', 'client-ca.crt', 'server.crt', 'server.key']) {
    expect(modeOf(file), file).toBe('600');
  }
  for (const file of ['streaming_replica.crt', 'streaming_replica.key'])
    expect(modeOf(file), file).toBe('600');
});

/** Each of these stopped the server of every instance, or was written without a word. */
test.each<[string, string, (usual: Members, other: Members) => Members]>([
  ['a pair that does not match', 'server', (usual, other) => ({ ...usual, 'tls.crt': other['tls.crt']! })],
  ['no PEM', 'server', (usual) => ({ ...usual, 'tls.crt': 'not a certificate' })],
  ['a key that is none', 'server', (usual) => ({ ...usual, 'tls.key': 'not a key' })],
  ['a certificate without its key', 'server', (_, other) => ({ 'tls.crt': other['tls.crt']! })],
  ['a key without its certificate', 'server', (_, other) => ({ 'tls.key': other['tls.key']! })],
  ['an empty member', 'server', (_, other) => ({ ...other, 'tls.key': '' })],
  ['another’s key', 'replication', (usual, other) => ({ ...usual, 'tls.key': other['tls.key']! })],
  ['an authority without PEM', 'ca', () => ({ 'ca.crt': 'not a certificate' })],
  [
    'an authority that is cut off',
    'ca',
    () => ({ 'ca.crt': '-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----' }),
  ],
  ['a Secret without a member', 'ca', () => ({})],
])('%s: the files of before stay, and a Secret that is corrected is taken', async (_what, secret, change) => {
  const { certificates, secrets, other } = await settled();
  const [before, usual] = [certificates.peerTls(), secrets.get(secret)!];
  secrets.set(secret, change(usual, other));
  const { changed, missing, broken } = await certificates.settle(cluster, never);
  expect({ changed, missing }).toEqual({ changed: [], missing: [] });
  expect(broken).toEqual([expect.stringContaining(`${name}-${secret}`)]);
  expect(certificates.peerTls()).toEqual(before);
  if (secret !== 'ca') {
    secrets.set(secret, other);
    const again = await certificates.settle(cluster, never);
    expect(again.broken).toEqual([]);
    expect(again.changed).toHaveLength(2);
  }
});

test('one broken Secret keeps no other one from being taken', async () => {
  const { certificates, secrets, authority, other } = await settled();
  secrets.set('server', { 'tls.crt': other['tls.crt']! });
  secrets.set('replication', pem(authority.issueClient('streaming_replica')));
  const { changed } = await certificates.settle(cluster, never);
  expect(changed).toEqual(['streaming_replica.key', 'streaming_replica.crt']);
});

test('files of before that do not belong together are not complete', async () => {
  const { certificates, directory, other } = await settled();
  expect(certificates.areComplete(cluster)).toBe(true);
  writeFileSync(join(directory, 'server.key'), other['tls.key']!);
  expect(certificates.areComplete(cluster)).toBe(false);
});

test('a pair that TLS cannot use changes nothing for a listener, and is an answer of nobody', async () => {
  const { server, other, authority } = await settled();
  let pair = { cert: server['tls.crt']!, key: server['tls.key']! };
  const errors: string[] = [];
  const settings = { hasStatusTls: true, statusPort: 0, statusHost: '127.0.0.1' } as InstanceSettings;
  const log = pino(
    { level: 'error' },
    { write: (line: string) => errors.push((JSON.parse(line) as { msg: string }).msg) },
  );
  const listener = new Listener(
    {} as StatusSource,
    settings,
    () => pair,
    log,
    (error) => {
      throw error;
    },
  );
  onTestFinished(() => listener.close());
  const port = await listener.open();
  pair = { ...pair, key: other['tls.key']! };
  await listener.renew();
  expect(errors).toEqual(['the status server goes on with its old certificate']);
  const peer = { name: 'c-2', host: '127.0.0.1', port };
  const question = { holder: 'c-1', duration: 15_000 };
  const answer = await askForPromise(peer, question, { ...pair, ca: authority.pem }, never);
  expect(answer).toMatchObject({ isReachable: false, isPromised: false });
});
