import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { HttpsConnection } from '../../../src/kubernetes/https-connection.ts';
import { CertificateAuthority } from '../../support/certificates.ts';
import { temporaryDirectory } from '../../support/manager.ts';

const never = new AbortController().signal;
const what = { method: 'GET', path: '/' } as const;

/** A server that answers everything with {}, and a connection to it. */
async function connected(ca?: string) {
  const authority = new CertificateAuthority(join(temporaryDirectory(), 'authority'));
  const { certificate, key } = authority.issueServer('server');
  const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (_, response) =>
    response.end('{}'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const access = { host: '127.0.0.1', port, ca: () => ca ?? authority.pem, token: () => 't' };
  const connection = new HttpsConnection(access);
  onTestFinished(() => {
    connection.close();
    server.close();
    server.closeAllConnections();
  });
  return connection;
}

test('an answer of a server that the CA has signed for', async () => {
  expect(await (await connected()).ask(what, never)).toEqual({});
});

test('an empty ca.crt is no CA: nobody is asked', async () => {
  await expect((await connected(' \n')).ask(what, never)).rejects.toThrow('ca.crt is empty');
});

test('another authority is not believed, whatever the environment tells Node', async () => {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  onTestFinished(() => void vi.unstubAllEnvs());
  const { pem } = new CertificateAuthority(join(temporaryDirectory(), 'another'));
  await expect((await connected(pem)).ask(what, never)).rejects.toThrow(/certificate/);
});
