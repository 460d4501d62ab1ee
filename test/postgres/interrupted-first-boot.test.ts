import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readIfPresent } from '../../src/instance/atomic-file.ts';
import { unfinishedMarker } from '../../src/postgres/data-directory.ts';
import { childrenOf } from '../../src/process/proc.ts';
import { homeWith, remains } from '../support/first-boot.ts';
import { eventually, Manager, temporaryDirectory } from '../support/manager.ts';

describe('interrupted', () => {
  test('by TERM in a script: ended in order with 143, begun anew at the next start', async () => {
    const home = homeWith({ '00-slow.sh+x': '#!/bin/sh\ntouch "$PGDATA/../run/waiting"\nexec sleep 1000\n' });
    const manager = await Manager.start({ home });
    await eventually('the script', () => existsSync(join(home, 'run', 'waiting')));
    manager.signal('SIGTERM');
    expect((await manager.ended()).code).toBe(143);
    expect(existsSync(join(manager.dataDirectory, unfinishedMarker))).toBe(true);
    expect(existsSync(join(manager.dataDirectory, 'postmaster.pid'))).toBe(false);
    writeFileSync(join(home, 'init.d', '00-slow.sh'), '#!/bin/sh\n');
    const next = await (await Manager.start({ home })).ready();
    expect(remains(next)).toHaveLength(1);
  });

  test('by TERM before it was begun, while the lease is prepared', async () => {
    const home = temporaryDirectory();
    const shared = join(home, 'shared');
    mkdirSync(shared);
    chmodSync(shared, 0o777);
    const path = join(shared, 'cluster.yaml');
    writeFileSync(
      path,
      'apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: demo}\nspec: {instances: 2, storage: {size: 1Gi}}\n',
    );
    const hook = join(import.meta.dirname, '..', 'fixtures', 'stop-at-lease-keeper.ts');
    const manager = await Manager.start({
      home,
      options: ['--cluster-file', path, '--pod-name', 'demo-1'],
      env: { NODE_OPTIONS: `--import ${hook}` },
    });
    await manager.message('stop requested');
    expect((await manager.ended()).code).toBe(0);
    expect(readdirSync(manager.dataDirectory)).toEqual([]);
  });

  test('by INT during initdb', async () => {
    const manager = await Manager.start();
    await manager.line(
      'initdb at work',
      (line) => line.logger === 'instance-manager' && line.to === 'initialising',
    );
    manager.signal('SIGINT');
    expect((await manager.ended()).code).toBe(130);
    await (await Manager.start({ home: manager.home })).ready();
  });

  test('by KILL at any moment: the next start serves', async () => {
    for (const delay of [0, 80, 200, 350, 500]) {
      const manager = await Manager.start({ env: { POSTGRES_DB: 'shop' } });
      await manager.line('the beginning', (line) => line.to === 'initialising');
      await new Promise((resolve) => setTimeout(resolve, delay));
      manager.signal('SIGKILL');
      await manager.exited;
      const next = await (
        await Manager.start({
          home: manager.home,
          // A server that was started already is taken over, on the port it has.
          port: manager.port,
          env: { POSTGRES_DB: 'shop' },
        })
      ).ready();
      expect(await next.query('SELECT 1', { database: 'shop' })).toBe(1);
      await next.stop();
    }
  });

  test('again and again: refused in the end, with nothing removed', async () => {
    const home = homeWith({ '00.sh': 'exit 1\n' });
    for (let round = 0; round < 4; round += 1)
      expect((await (await Manager.start({ home })).ended()).code).toBe(1);
    const last = await Manager.start({ home });
    expect((await last.ended()).code).toBe(1);
    await last.line('the refusal', (line) => line.code === 'INIT_ABORTED_TOO_OFTEN');
    expect(remains(last)).toHaveLength(3);
  });
});

describe('interrupted with WAL in a directory outside PGDATA', () => {
  const walBelow = (home: string) => ({ POSTGRES_INITDB_WALDIR: join(home, 'wal', 'files') });
  const filesOf = (directory: string) => (existsSync(directory) ? readdirSync(directory) : []);
  const isSegment = (name: string) => /^[0-9A-F]{24}$/.test(name);

  test('by the death of initdb: what it left there is moved aside, and the next start serves', async () => {
    const home = temporaryDirectory();
    const wal = join(home, 'wal', 'files');
    const manager = await Manager.start({ home, env: walBelow(home) });
    const initdb = await eventually('initdb with WAL', () => {
      const children = childrenOf(manager.child.pid!);
      const found = children.find((pid) => readIfPresent(`/proc/${pid}/comm`) === 'initdb\n');
      return filesOf(wal).some(isSegment) ? found : undefined;
    });
    process.kill(-initdb, 'SIGKILL');
    expect((await manager.ended()).code).toBe(1);
    await manager.line('the reason', (line) => line.code === 'INITDB_FAILED');
    const left = readdirSync(wal);
    expect(left).not.toEqual([]);
    const next = await (await Manager.start({ home, env: walBelow(home) })).ready();
    const [place] = remains(next);
    expect(readdirSync(join(next.dataDirectory, place!, '.waldir')).sort()).toEqual(left.sort());
    expect(filesOf(wal).some(isSegment)).toBe(true);
  });

  test('in a script, with WAL on a file system of its own', async () => {
    const home = homeWith({ '00.sh': 'exit 1\n' });
    const wal = mkdtempSync('/dev/shm/manager-test-');
    onTestFinished(() => rmSync(wal, { recursive: true }));
    const env = { POSTGRES_INITDB_WALDIR: wal };
    const first = await Manager.start({ home, env });
    expect((await first.ended()).code).toBe(1);
    await first.line('the reason', (line) => line.code === 'INIT_SCRIPT_FAILED');
    rmSync(join(home, 'init.d', '00.sh'));
    const next = await (await Manager.start({ home, env })).ready();
    const [place] = remains(next);
    expect(readdirSync(join(next.dataDirectory, place!, '.waldir')).some(isSegment)).toBe(true);
    expect(filesOf(wal).some(isSegment)).toBe(true);
  });

  test('and used by somebody else since: left alone', async () => {
    const home = homeWith({ '00.sh': 'exit 1\n' });
    const wal = join(home, 'wal', 'files');
    expect((await (await Manager.start({ home, env: walBelow(home) })).ended()).code).toBe(1);
    const segment = join(wal, readdirSync(wal).find(isSegment)!);
    const bytes = readFileSync(segment);
    bytes.writeBigUInt64LE(1n, 24);
    writeFileSync(segment, bytes);
    const before = readdirSync(wal);
    const next = await Manager.start({ home, env: walBelow(home) });
    expect((await next.ended()).code).toBe(1);
    await next.line('the reason', (line) => line.code === 'INITDB_FAILED');
    expect(readdirSync(wal)).toEqual(before);
  });
});

describe('a stop that is asked for again does not wait for a tool that ignores TERM', () => {
  const stubborn =
    '#!/bin/sh\ntrap "" TERM INT\ntouch "$PGDATA/../run/waiting"\nwhile :; do sleep 0.02; done\n';
  /** Milliseconds: what such a tool is left when a stop is asked for once. */
  const grace = 5_000;

  test.each([
    ['TERM, TERM', ['SIGTERM', 'SIGTERM'], 143],
    ['TERM, QUIT', ['SIGTERM', 'SIGQUIT'], 143],
    ['QUIT', ['SIGQUIT'], 131],
  ] as const)('%s', async (_, signals, code) => {
    const home = homeWith({ '00-stubborn.sh+x': stubborn });
    const manager = await Manager.start({ home });
    await eventually('the script', () => existsSync(join(home, 'run', 'waiting')));
    const asked = () => manager.lines.filter(({ msg }) => msg === 'stop requested').length;
    const begin = performance.now();
    for (const [index, signal] of signals.entries()) {
      manager.signal(signal);
      await eventually('the signal', () => asked() > index);
    }
    expect((await manager.ended()).code).toBe(code);
    expect(performance.now() - begin).toBeLessThan(grace - 500);
    expect(existsSync(join(manager.dataDirectory, 'postmaster.pid'))).toBe(false);
  });
});
