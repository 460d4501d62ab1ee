import { request } from 'node:https';
import { connect } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { askForPromise, type PeerTls } from '../../../src/server/failsafe.ts';
import { StatusServer, type StatusSource } from '../../../src/server/status-server.ts';
import { temporaryDirectory } from '../../support/manager.ts';
import { certificateSecrets } from '../../support/secrets.ts';
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
    peerAuthority: tls.ca,
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
