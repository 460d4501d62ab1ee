import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { takeLock } from '../../../src/cluster/file-lock.ts';
import { openFileSource } from '../../../src/cluster/file-source.ts';
import { SharedFile } from '../../../src/cluster/shared-file.ts';
import { openLibc } from '../../../src/process/libc.ts';
import { eventually, temporaryDirectory } from '../../support/manager.ts';

const repository = join(import.meta.dirname, '../../..');
const libc = openLibc();
const never = new AbortController().signal;
/** Every change is synced, twice, and other tests keep the disk busy. */
const slow = { timeout: 120_000 };
const head =
  'apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata:\n  name: demo\nspec:\n  instances: 3\n';

function fileWith(text = head): string {
  const path = join(temporaryDirectory(), 'cluster.yaml');
  writeFileSync(path, text);
  return path;
}

/** A process of its own that writes into the file, see the fixture. */
class Writer {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  output = '';

  constructor(path: string, name: string, count: number, where: 'status' | 'lease' = 'status', how = '') {
    const program = join(repository, 'test/fixtures/cluster-writer.ts');
    const args = ['--no-warnings', program, path, name, String(count), where, how];
    this.child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      this.output += chunk;
    });
    this.ended = new Promise((resolve) => this.child.once('close', (code) => resolve(code)));
    onTestFinished(() => void this.child.kill('SIGKILL'));
  }

  get isStopped(): boolean {
    return readFileSync(`/proc/${this.child.pid}/stat`, 'utf8').split(') ')[1]?.startsWith('T') === true;
  }

  /** Changes that it knows to be written. */
  get done(): number {
    return this.output.split('\n').length - 1;
  }
}

const numbers = async (path: string): Promise<Record<string, number>> => {
  const { cluster } = await (await openFileSource(path, libc)).read(never);
  const states = Object.entries(cluster.status?.instancesReportedState ?? {});
  return Object.fromEntries(states.map(([name, { timeLineID = 0 }]) => [name, timeLineID]));
};

describe('several processes', slow, () => {
  test('lose no change of the status', async () => {
    const path = fileWith();
    const names = ['c-1', 'c-2', 'c-3', 'c-4'];
    const writers = names.map((name) => new Writer(path, name, 10));
    expect(await Promise.all(writers.map(({ ended }) => ended))).toEqual([0, 0, 0, 0]);
    expect(await numbers(path)).toEqual({ 'c-1': 10, 'c-2': 10, 'c-3': 10, 'c-4': 10 });
    const { cluster } = await (await openFileSource(path, libc)).read(never);
    expect(cluster.metadata.resourceVersion).toBe('40');
  });
  test('lose no change of the lease: whoever read an older one gets a conflict', async () => {
    const path = fileWith();
    const writers = ['c-1', 'c-2', 'c-3'].map((name) => new Writer(path, name, 60, 'lease'));
    expect(await Promise.all(writers.map(({ ended }) => ended))).toEqual([0, 0, 0]);
    expect(await (await openFileSource(path, libc)).lease.read(never)).toMatchObject({ transitions: 180 });
  });
  test('lose no edit of a person who replaces the file meanwhile', async () => {
    const path = fileWith();
    const writers = ['c-1', 'c-2'].map((name) => new Writer(path, name, 1_000_000));
    await eventually('both to write', () => writers.every(({ done }) => done > 0));
    const source = await openFileSource(path, libc);
    let edits = 0;
    for (; edits < 30; edits += 1) {
      const text = readFileSync(path, 'utf8');
      const edited = text.replace(/instances: \d+/, `instances: ${edits + 4}`);
      // A person does not look whether the file is still the same; the managers' numbers are not the matter here.
      writeFileSync(`${path}~`, edited);
      renameSync(`${path}~`, path);
      const before = writers.reduce((sum, { done }) => sum + done, 0);
      await eventually('another change', () => writers.reduce((sum, { done }) => sum + done, 0) > before);
      const { cluster } = await source.read(never);
      expect(cluster.spec.instances).toBe(edits + 4);
    }
  });
});

describe('a writer that is killed', slow, () => {
  test('at any moment leaves a whole file, its changes, and a lock for the others', async () => {
    const path = fileWith();
    let acknowledged = 0;
    for (let round = 0; round < 8; round += 1) {
      const writer = new Writer(path, 'c-1', 1_000_000);
      await eventually('it to write', () => writer.done > round);
      // Somewhere in the middle of its work: a write takes a few milliseconds.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
      writer.child.kill('SIGKILL');
      await writer.ended;
      acknowledged += writer.done;
      const before = (await numbers(path))['c-1'];
      expect(before).toBeGreaterThanOrEqual(acknowledged);
      // At most the one change that was written and not yet told.
      expect(before).toBeLessThanOrEqual(acknowledged + round + 1);
      const lock = await takeLock(`${path}.lock`, libc, 0, never);
      expect(lock.isHeld).toBe(true);
      lock.release();
      const source = await openFileSource(path, libc);
      await source.updateStatus((status) => ({ ...status, phase: `round ${round}` }), never);
    }
    expect(existsSync(`${path}.new`)).toBe(false);
  });
});

describe('a writer that is stopped while it holds the lock', slow, () => {
  test('holds the others up for a moment, gets a conflict when it goes on, and looks again', async () => {
    const path = fileWith();
    const writer = new Writer(path, 'c-1', 1, 'status', 'stopping');
    await eventually('it to stop', () => writer.isStopped);
    const source = await openFileSource(path, libc);
    const write = (phase: string) => source.updateStatus((status) => ({ ...status, phase }), never);
    await write('one');
    const started = performance.now();
    await write('two');
    // It is waited for in earnest only once.
    expect(performance.now() - started).toBeLessThan(900);
    writer.child.kill('SIGCONT');
    expect(await writer.ended).toBe(0);
    const { cluster } = await source.read(never);
    expect(cluster.status).toEqual({
      phase: 'two',
      instancesReportedState: { 'c-1': { isPrimary: false, timeLineID: 1 } },
    });
    expect(cluster.metadata.resourceVersion).toBe('3');
  });
  test('does not take the lease from who has claimed it meanwhile', async () => {
    const path = fileWith();
    const writer = new Writer(path, 'c-1', 1, 'lease', 'stopping');
    await eventually('it to stop', () => writer.isStopped);
    const { lease } = await openFileSource(path, libc);
    const free = (await lease.read(never))!;
    expect(free.holder).toBe('');
    // Within one period of the shortest lease.
    const period = AbortSignal.timeout(1_000);
    const claimed = await lease.write({ ...free, holder: 'c-2', transitions: 5 }, period);
    expect(claimed).toMatchObject({ holder: 'c-2' });
    writer.child.kill('SIGCONT');
    expect(await writer.ended).toBe(0);
    // Its first write was refused, the fixture has read again, and claims from there.
    expect(await lease.read(never)).toMatchObject({ holder: 'c-1', transitions: 6 });
  });
});

describe('waiting for the lock', () => {
  test('ends with its caller, and leaves the event loop alone', async () => {
    const path = fileWith();
    const lock = await takeLock(`${path}.lock`, libc, 0, never);
    const controller = new AbortController();
    const waiting = takeLock(`${path}.lock`, libc, 60_000, controller.signal);
    let turns = 0;
    const clock = setInterval(() => (turns += 1), 1);
    await eventually('the loop to go round', () => turns > 20);
    clearInterval(clock);
    controller.abort();
    await expect(waiting).rejects.toThrow('aborted');
    lock.release();
    const next = await takeLock(`${path}.lock`, libc, 0, never);
    expect(next.isHeld).toBe(true);
    next.release();
  });
  test('is not needed by those who exchange names: what one of them writes the others find', async () => {
    const path = fileWith();
    const none = { ...libc, lockExclusively: () => 'unsupported' as const };
    const writers = ['a', 'b', 'c', 'd'].map(async (name) => {
      const source = await openFileSource(path, none);
      await source.updateStatus((status) => {
        const topology = { instances: { ...status.topology?.instances, [name]: {} } };
        return { ...status, topology };
      }, never);
    });
    await Promise.all(writers);
    const { cluster } = await (await openFileSource(path, libc)).read(never);
    expect(cluster.status?.topology?.instances).toEqual({ a: {}, b: {}, c: {}, d: {} });
  });
  test('without such locks in the file system is over at once', async () => {
    const path = fileWith();
    const none = { ...libc, lockExclusively: () => 'unsupported' as const };
    const source = await openFileSource(path, none);
    const { cluster } = await source.updateStatus((status) => ({ ...status, phase: 'x' }), never);
    expect(cluster.status).toEqual({ phase: 'x' });
    const neither = await openFileSource(path, { ...none, exchange: () => false });
    await expect(neither.updateStatus((status) => ({ ...status, phase: 'y' }), never)).rejects.toMatchObject({
      code: 'CLUSTER_UNREADABLE',
    });
  });
});

test('of several that make the file at once one does, and the others find it made', async () => {
  const directory = temporaryDirectory();
  for (let round = 0; round < 60; round += 1) {
    const path = join(directory, `once-${round}`);
    const made = ['a', 'b', 'c', 'd'].map((text) =>
      new SharedFile(path, libc, { isDurable: false }).createOnce(text, 0o600),
    );
    // Looked at in every turn of the loop, so that a second file in its place would be noticed.
    while (!existsSync(path)) await new Promise((resolve) => setImmediate(resolve));
    const first = readFileSync(path, 'utf8');
    await Promise.all(made);
    expect(readFileSync(path, 'utf8')).toBe(first);
  }
  expect(readdirSync(directory)).toHaveLength(60);
});
