import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { usualGroup } from '../support/crds.ts';
import { eventually } from '../support/manager.ts';
import { hasControlPlane, useControlPlane } from '../support/use-control-plane.ts';
import {
  type Adapter,
  type Home,
  makeHome,
  never,
  opened,
  ours,
  peer,
  setPhase,
  soon,
  Watched,
} from './support.ts';

describe.runIf(hasControlPlane)('an API server that goes away', () => {
  const plane = useControlPlane();
  const admin = () => plane().admin;
  let home: Home;
  beforeAll(async () => {
    await plane().applyCrds();
  });

  /** Out of service for as long as the test wants; it is back afterwards in any case. */
  const stopServer = async (signal?: NodeJS.Signals) => {
    await plane().stopServer(signal);
    let isBack = false;
    const start = async () => {
      if (!isBack) await plane().startServer();
      isBack = true;
    };
    onTestFinished(start);
    return start;
  };

  describe.each([ours, peer])('watched by $name', (adapter: Adapter) => {
    beforeAll(async () => {
      home = await makeHome(plane(), usualGroup);
    });

    test.each(['SIGTERM', 'SIGKILL'] as const)(
      'after %s is told once, and followed again',
      async (signal) => {
        const watched = new Watched(opened(adapter, plane().port, home));
        await watched.begun();
        const start = await stopServer(signal);
        await eventually('the trouble', () => watched.troubles.length > 0);
        await start();
        await setPhase(admin(), home, `after ${signal}`);
        await watched.sees(`after ${signal}`, soon);
        expect(watched.troubles).toHaveLength(1);
      },
    );

    test('and remembers no version of before: all is read anew', async () => {
      const watched = new Watched(opened(adapter, plane().port, home));
      await watched.begun();
      await setPhase(admin(), home, 'long ago');
      await watched.sees('long ago');
      const asked = plane().requestsOf(home.account).length;
      const start = await stopServer('SIGKILL');
      await plane().etcd.forgetHistory();
      await start();
      await setPhase(admin(), home, 'now');
      await watched.sees('now', soon);
      const since = plane().requestsOf(home.account).slice(asked);
      expect(since.filter(({ verb }) => verb === 'list')).toMatchObject([{ name: 'demo', code: 200 }]);
      // A version that is too old is not tried for ever.
      await setPhase(admin(), home, 'later');
      await watched.sees('later', soon);
      expect(since.filter(({ verb }) => verb === 'watch').length).toBeLessThan(10);
    });

    test('does not keep a request from being answered by the next server', async () => {
      const api = opened(adapter, plane().port, home);
      await api.readCluster(never);
      const start = await stopServer('SIGKILL');
      await expect(api.readCluster(never)).rejects.toMatchObject({ name: 'ApiError', status: undefined });
      await start();
      expect((await api.readCluster(never)).metadata.name).toBe('demo');
    });
  });
});

describe.runIf(hasControlPlane)('credentials that change', () => {
  const plane = useControlPlane();
  const admin = () => plane().admin;
  beforeAll(async () => {
    await plane().applyCrds({ origin: 'own' });
  });

  /** Makes the token of before bad, and waits until the server has noticed. */
  const revoke = async ({ account, paths }: Home) => {
    const token = account.token;
    await account.revokeTokens();
    const isRefused = async () => (await admin().ask('GET', paths.cluster, { token })).code === 401;
    await eventually('the old token to be refused', isRefused);
  };

  test('a new token is used at once, and the watch goes on', async () => {
    const home = await makeHome(plane(), usualGroup);
    const api = opened(ours, plane().port, home);
    const watched = new Watched(api);
    await watched.begun();
    await revoke(home);
    const refused = { name: 'ApiError', status: 401, reason: 'Unauthorized' };
    await expect(api.readCluster(never)).rejects.toMatchObject(refused);
    await home.account.rotateToken();
    expect((await api.readCluster(never)).metadata.name).toBe('demo');
    await setPhase(admin(), home, 'with a new token');
    await watched.sees('with a new token', soon);
    expect(watched.troubles).toEqual([]);
  });

  test('client-node cannot: it goes on with the old token for up to a minute', async () => {
    const home = await makeHome(plane(), usualGroup);
    const api = opened(peer, plane().port, home);
    await api.readCluster(never);
    await revoke(home);
    await home.account.rotateToken();
    await expect(api.readCluster(never)).rejects.toMatchObject({ status: 401 });
  });

  test('a token that cannot be read is an error of the request', async () => {
    const home = await makeHome(plane(), usualGroup);
    const api = ours.open({ port: plane().port, directory: '/nonexistent' }, home.names);
    await expect(api.readCluster(never)).rejects.toMatchObject({
      ...{ name: 'ApiError', status: undefined },
      message: expect.stringContaining('ENOENT'),
    });
  });

  describe.each([ours, peer])('a new authority, by $name', (adapter) => {
    test('is believed as soon as it is in the file, and no sooner', async () => {
      const home = await makeHome(plane(), usualGroup);
      const api = opened(adapter, plane().port, home);
      const watched = new Watched(api);
      await watched.begun();
      await plane().stopServer('SIGKILL');
      plane().rotateAuthority();
      await plane().startServer();
      await expect(api.readCluster(never)).rejects.toMatchObject({ name: 'ApiError', status: undefined });
      const before = readFileSync(join(home.account.directory, 'ca.crt'), 'utf8');
      home.account.writeAuthority();
      expect(plane().ca).not.toBe(before);
      expect((await api.readCluster(never)).metadata.name).toBe('demo');
      await setPhase(admin(), home, 'by another authority');
      await watched.sees('by another authority', soon);
    });
  });
});
