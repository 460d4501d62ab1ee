import { request } from 'node:https';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { askForPromise } from '../../../src/server/failsafe.ts';
import type { PeerTls } from '../../../src/server/peer-certificate.ts';
import { StatusServer, type StatusSource } from '../../../src/server/status-server.ts';
import { CertificateAuthority, type KeyPair } from '../../support/certificates.ts';
import { temporaryDirectory } from '../../support/manager.ts';
import { certificateSecrets, pem } from '../../support/secrets.ts';
import { clusterOf } from '../cluster/support.ts';

const never = new AbortController().signal;
const question = { holder: 'c-1', duration: 15_000 };

describe('a promise', () => {
  test('is given to one who asks the instance that it means', async () => {
    const { peer, asked, tls } = await listening(own());
    expect(await askForPromise(peer, question, tls, never)).toEqual(promised);
    expect(asked).toEqual([{ ...question, giver: 'c-2' }]);
  });

  test('of another instance at the same address counts for nothing, but shows that somebody is there', async () => {
    const { peer, tls } = await listening(own(), { name: 'c-3' });
    const answer = await askForPromise(peer, question, tls, never);
    expect(answer).toEqual({ isReachable: true, isPromised: false, why: 'it is c-3 that has answered' });
  });

  test('that is refused comes with the reason', async () => {
    const { peer, tls } = await listening(own(), { promise: () => 'c-2 is a primary itself' });
    const answer = await askForPromise(peer, question, tls, never);
    expect(answer).toEqual({ isReachable: true, isPromised: false, why: 'c-2 is a primary itself' });
  });

  test.each([
    ['nothing', ''],
    ['no name', '{}'],
    ['no object', 'null'],
    ['half a question', '{"primary":"c-1"}'],
    ['a text for a number', '{"primary":"c-1","to":"c-2","duration":"15"}'],
    ['far too much', 'x'.repeat(5_000)],
  ])('is not given for what is no question: %s', async (_, body) => {
    const { peer, asked, tls } = await listening(own());
    expect(await post(peer.port, tls, body)).toMatchObject({ promised: false, why: 'that is no question' });
    expect(asked).toEqual([]);
  });
});

/** What the instances of one Cluster have. */
function own(): PeerTls {
  const { authority, secrets } = certificateSecrets(temporaryDirectory(), clusterOf({}));
  return tlsOf(authority.pem, secrets.get('server')!);
}

const promised = { isReachable: true, isPromised: true, why: '' };

function tlsOf(ca: string, pair: Record<string, string>): PeerTls {
  return { ca, cert: pair['tls.crt']!, key: pair['tls.key']! };
}

/** A status server of c-2 that promises everything. */
async function listening(tls: PeerTls, change: Partial<StatusSource> = {}) {
  const asked: unknown[] = [];
  const source = {
    name: 'c-2',
    peerTls: tls,
    promise: (what: unknown) => {
      asked.push(what);
      return undefined;
    },
    ...change,
  } as StatusSource;
  const server = new StatusServer(source, tls);
  await server.listen(0, '127.0.0.1');
  onTestFinished(() => server.close());
  return { asked, tls, peer: { name: 'c-2', host: '127.0.0.1', port: server.port } };
}

/** Any body, with any pair or none. */
function post(port: number, tls: Partial<PeerTls>, body: string): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const sent = request(
    {
      port,
      host: '127.0.0.1',
      path: '/failsafe',
      method: 'POST',
      agent: false,
      ...tls,
      rejectUnauthorized: false,
    },
    async (response) => {
      let text = '';
      for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) text += chunk;
      resolve(JSON.parse(text));
    },
  );
  sent.on('error', reject).end(body);
  return promise;
}

describe('who asks is known by the certificate of the server', () => {
  const stranger = { promised: false, why: 'whoever asks has not shown who it is' };
  const body = JSON.stringify({ primary: 'c-1', to: 'c-2', duration: 15_000 });

  test.each<[string, (authority: CertificateAuthority) => Partial<PeerTls>]>([
    ['no certificate', () => ({})],
    ['one of another authority', () => tlsOf('', pem(anotherAuthority().issueServer('server')))],
    ['that of a client', (authority) => tlsOf('', pem(authority.issueClient('streaming_replica')))],
    ['that of another server', (authority) => tlsOf('', pem(authority.issueServer('elsewhere')))],
    [
      'one of a client with the name of the server',
      (authority) => tlsOf('', pem(authority.issueClient('server'))),
    ],
  ])('%s: nothing is promised', async (_, show) => {
    const { authority, secrets } = certificateSecrets(temporaryDirectory(), clusterOf({}));
    const { peer, asked } = await listening(tlsOf(authority.pem, secrets.get('server')!));
    expect(await post(peer.port, show(authority), body)).toMatchObject(stranger);
    expect(asked).toEqual([]);
  });

  test('without one of its own, nobody is', async () => {
    const tls = own();
    const { peer } = await listening(tls, { peerTls: undefined });
    expect(await post(peer.port, tls, body)).toMatchObject(stranger);
  });

  test('a new one of the same names counts as well: not everybody gets it at the same moment', async () => {
    const { authority, secrets } = certificateSecrets(temporaryDirectory(), clusterOf({}));
    const [old, renewed] = [secrets.get('server')!, pem(authority.issueServer('server'))];
    expect(renewed['tls.crt']).not.toBe(old['tls.crt']);
    const { peer } = await listening(tlsOf(authority.pem, old));
    expect(await askForPromise(peer, question, tlsOf(authority.pem, renewed), never)).toEqual(promised);
  });

  test('an authority that has signed through another one is none the worse for it', async () => {
    const root = anotherAuthority();
    const between = root.issueAuthority('between');
    const chain = () => {
      const pair = pem(between.issueServer('server'));
      return tlsOf(root.pem, { ...pair, 'tls.crt': pair['tls.crt'] + between.pem });
    };
    const [old, renewed] = [chain(), chain()];
    const { peer } = await listening(old);
    expect(await askForPromise(peer, question, old, never)).toEqual(promised);
    expect(await askForPromise(peer, question, renewed, never)).toEqual(promised);
  });

  test.each<[string, (authority: CertificateAuthority) => KeyPair]>([
    ['a client', (authority) => authority.issueClient('streaming_replica')],
    ['another authority', () => anotherAuthority().issueServer('server')],
  ])('nor is anybody believed who answers with a certificate of %s', async (_, show) => {
    const { authority, secrets } = certificateSecrets(temporaryDirectory(), clusterOf({}));
    const { peer } = await listening(tlsOf(authority.pem, pem(show(authority))));
    const tls = tlsOf(authority.pem, secrets.get('server')!);
    const answer = await askForPromise(peer, question, tls, never);
    expect(answer).toMatchObject({ isReachable: false, isPromised: false });
  });

  test('not even when the environment tells Node to believe everybody', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    onTestFinished(() => void vi.unstubAllEnvs());
    const { peer } = await listening(tlsOf('', pem(anotherAuthority().issueServer('server'))));
    const answer = await askForPromise(peer, question, own(), never);
    expect(answer).toMatchObject({ isReachable: false, isPromised: false });
  });
});

const anotherAuthority = () => new CertificateAuthority(join(temporaryDirectory(), 'another'));

test('the listener speaks TLS 1.3 only', async () => {
  const { peer } = await listening(own());
  const { promise, resolve } = Promise.withResolvers<string>();
  const options = {
    port: peer.port,
    host: peer.host,
    maxVersion: 'TLSv1.2',
    rejectUnauthorized: false,
  } as const;
  const socket = connect(options, () => resolve(socket.getProtocol() ?? ''));
  socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
  onTestFinished(() => void socket.destroy());
  expect(await promise).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
});
