import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type FileSource, openFileSource } from '../../../src/cluster/file-source.ts';
import { type Libc, openLibc } from '../../../src/process/libc.ts';
import { eventually, temporaryDirectory } from '../../support/manager.ts';

const libc = openLibc();
const never = new AbortController().signal;
const head = `# Our cluster
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: demo # by hand
spec:
  instances: 3
  # stopDelay: 30
`;

function fileWith(text = head): string {
  const path = join(temporaryDirectory(), 'cluster.yaml');
  writeFileSync(path, text);
  return path;
}

async function open(path = fileWith(), calls: Libc = libc): Promise<{ path: string; source: FileSource }> {
  return { path, source: await openFileSource(path, calls) };
}

/** A C library in whose exchange of names something else happens first. */
const interrupted = (first: () => void): Libc => ({
  ...libc,
  exchange: (path, other) => {
    first();
    return libc.exchange(path, other);
  },
});
const target = (name: string) => (status: object) => ({ ...status, targetPrimary: name });

describe('the status in the file', () => {
  test('is written behind what a person wrote, which stays as it is', async () => {
    const { path, source } = await open();
    const before = await source.read(never);
    expect(before.cluster.status).toBeUndefined();
    const after = await source.updateStatus(target('c-1'), never);
    expect(after.cluster.status).toEqual({ targetPrimary: 'c-1' });
    expect(after.resourceVersion).not.toBe(before.resourceVersion);
    expect(readFileSync(path, 'utf8')).toBe(
      `${head.replace('demo # by hand\n', 'demo # by hand\n  resourceVersion: "1"\n')}status:\n  targetPrimary: c-1\n`,
    );
    expect(await source.read(never)).toBe(after);
    expect(readdirSync(join(path, '..')).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'cluster.yaml',
      'cluster.yaml.lease',
      'cluster.yaml.lock',
    ]);
  });
  test('is left alone when nothing changes', async () => {
    const { path, source } = await open();
    const after = await source.updateStatus(target('c-1'), never);
    const { ino } = statSync(path);
    expect(await source.updateStatus(target('c-1'), never)).toBe(after);
    expect(await source.updateStatus(() => undefined, never)).toBe(after);
    expect(statSync(path).ino).toBe(ino);
  });
  test('keeps what others wrote into it', async () => {
    const { source } = await open(fileWith(`${head}status:\n  readyInstances: 3\n`));
    const { cluster } = await source.updateStatus(target('c-1'), never);
    expect(cluster.status).toEqual({ readyInstances: 3, targetPrimary: 'c-1' });
  });
  test('of a wrong type is refused before it is written', async () => {
    const { path, source } = await open();
    const wrong = source.updateStatus(
      (status) => ({ ...status, targetPrimary: 5 as unknown as string }),
      never,
    );
    await expect(wrong).rejects.toMatchObject({ code: 'BAD_CLUSTER_FILE' });
    expect(readFileSync(path, 'utf8')).toBe(head);
  });
  test('keeps the mode of the file, and follows a link to it', async () => {
    const path = fileWith();
    const link = join(path, '..', 'link.yaml');
    symlinkSync('cluster.yaml', link);
    const { mode } = statSync(path);
    const { source } = await open(link);
    await source.updateStatus(target('c-1'), never);
    expect(readFileSync(path, 'utf8')).toContain('targetPrimary: c-1');
    expect(statSync(path).mode).toBe(mode);
  });
  test('annotations are set in the same way', async () => {
    const { source } = await open();
    const { cluster } = await source.updateAnnotation('a/b', () => '["c-1"]', never);
    expect(cluster.metadata).toMatchObject({ annotations: { 'a/b': '["c-1"]' }, resourceVersion: '1' });
  });
});

describe('a person with an editor', () => {
  test('is noticed although the number is the same', async () => {
    const { path, source } = await open();
    const before = await source.updateStatus(target('c-1'), never);
    writeFileSync(path, readFileSync(path, 'utf8').replace('instances: 3', 'instances: 4'));
    const after = await source.read(never);
    expect(after.cluster.metadata.resourceVersion).toBe(before.cluster.metadata.resourceVersion);
    expect(after.resourceVersion).not.toBe(before.resourceVersion);
  });
  test.each(['in place', 'by another file'])(
    'who writes %s just before we do keeps what was written',
    async (how) => {
      const path = fileWith();
      let edits = 0;
      const edit = () => {
        edits += 1;
        if (edits > 2) return;
        const text = head.replace('instances: 3', `instances: ${3 + edits}`);
        writeFileSync(how === 'in place' ? path : `${path}~`, text);
        if (how !== 'in place') renameSync(`${path}~`, path);
      };
      const busy = interrupted(edit);
      const { source } = await open(path, busy);
      const seen: unknown[] = [];
      const { cluster } = await source.updateStatus((status) => {
        seen.push(readFileSync(path, 'utf8').match(/instances: (\d)/)?.[1]);
        return { ...status, targetPrimary: 'c-1' };
      }, never);
      expect(cluster).toMatchObject({ spec: { instances: 5 }, status: { targetPrimary: 'c-1' } });
      // The second edit came while the first one was put back.
      expect(seen).toEqual(['3', '5']);
      expect(readdirSync(join(path, '..')).filter((name) => name.endsWith('.new'))).toEqual([]);
    },
  );
  test('who is always faster makes it a conflict', async () => {
    const path = fileWith();
    let exchanges = 0;
    let edits = 0;
    const busy = interrupted(() => {
      exchanges += 1;
      // Every second exchange is the one that puts the edit back.
      if (exchanges % 2 === 0) return;
      edits += 1;
      writeFileSync(path, head.replace('instances: 3', `instances: ${3 + edits}`));
    });
    const { source } = await open(path, busy);
    await expect(source.updateStatus(target('c-1'), never)).rejects.toMatchObject({
      code: 'CLUSTER_CONFLICT',
    });
    expect(readFileSync(path, 'utf8')).toBe(head.replace('instances: 3', `instances: ${3 + edits}`));
  });
  test('without the exchange of names the last look decides', async () => {
    const path = fileWith();
    let edits = 0;
    const plain = {
      ...libc,
      exchange: () => {
        edits += 1;
        if (edits === 1) writeFileSync(path, head.replace('instances: 3', 'instances: 4'));
        return false;
      },
    };
    const { source } = await open(path, plain);
    const { cluster } = await source.updateStatus(target('c-1'), never);
    expect(cluster).toMatchObject({ spec: { instances: 4 }, status: { targetPrimary: 'c-1' } });
  });
  test('who has written half of it is waited for', async () => {
    const { path, source } = await open();
    await source.updateStatus(target('c-1'), never);
    const whole = readFileSync(path, 'utf8').replace('demo # by hand', 'demo # by another hand');
    writeFileSync(path, whole.slice(0, whole.indexOf('status:')));
    // As long as this clock stands still the file has been written just now.
    const written = statSync(path).mtimeMs;
    const clock = vi.spyOn(Date, 'now').mockReturnValue(written + 1);
    onTestFinished(() => clock.mockRestore());
    const reading = source.read(never);
    await eventually('the half to be looked at', () => clock.mock.calls.length > 1);
    writeFileSync(path, whole);
    clock.mockRestore();
    expect((await reading).cluster.status).toEqual({ targetPrimary: 'c-1' });
  });
  test('is told from a manager, whose file is whole from the beginning', async () => {
    const { path, source } = await open();
    await source.updateStatus(target('c-1'), never);
    const written = statSync(path).mtimeMs;
    const clock = vi.spyOn(Date, 'now').mockReturnValue(written + 1);
    onTestFinished(() => clock.mockRestore());
    // Would take a second if it were waited for.
    const { source: other } = await open(path);
    await other.read(never);
    expect(clock).toHaveBeenCalledTimes(1);
  });
  test('who makes a mistake is told where, and nothing is written over it', async () => {
    const { path, source } = await open();
    const text = `${head}  stopDelay: soon\n`;
    writeFileSync(path, text);
    await expect(source.read(never)).rejects.toMatchObject({
      code: 'BAD_CLUSTER_FILE',
      message: expect.stringContaining(`${path}:9:14: spec.stopDelay`) as string,
    });
    await expect(source.updateStatus(target('c-1'), never)).rejects.toMatchObject({
      code: 'BAD_CLUSTER_FILE',
    });
    expect(readFileSync(path, 'utf8')).toBe(text);
  });
});

describe('a file that is out of reach', () => {
  test('is CLUSTER_UNREADABLE', async () => {
    const path = join(temporaryDirectory(), 'none.yaml');
    await expect(openFileSource(path, libc)).rejects.toMatchObject({ code: 'CLUSTER_UNREADABLE' });
    const { path: gone, source } = await open();
    renameSync(gone, `${gone}~`);
    await expect(source.read(never)).rejects.toMatchObject({ code: 'CLUSTER_UNREADABLE' });
    await expect(source.updateStatus(target('c-1'), never)).rejects.toMatchObject({
      code: 'CLUSTER_UNREADABLE',
    });
    mkdirSync(gone);
    await expect(source.read(never)).rejects.toMatchObject({ code: 'CLUSTER_UNREADABLE' });
  });
  test('gives up with its caller', async () => {
    const { source } = await open();
    const gone = AbortSignal.abort(new Error('enough'));
    await expect(source.read(gone)).rejects.toThrow('enough');
    await expect(source.updateStatus(target('c-1'), gone)).rejects.toThrow('enough');
  });
  test('nothing is made for who only looks', async () => {
    const path = fileWith();
    const source = await openFileSource(path, libc, { mayCreate: false });
    expect(await source.lease.read(never)).toBeUndefined();
    expect(existsSync(`${path}.lease`)).toBe(false);
  });
});

describe('a watch', () => {
  test.each(['another manager', 'an editor in place', 'an editor by another file'])(
    'hears of %s',
    async (who) => {
      const { path, source } = await open();
      await source.read(never);
      let heard = 0;
      const stop = source.watch(() => void heard++);
      const text = head.replace('instances: 3', 'instances: 4');
      if (who === 'another manager') await (await open(path)).source.updateStatus(target('c-1'), never);
      else if (who === 'an editor in place') writeFileSync(path, text);
      else {
        writeFileSync(`${path}~`, text);
        renameSync(`${path}~`, path);
      }
      // Well before the slow look that needs no event.
      await eventually('the change to be heard of', () => heard > 0, 1_500);
      stop();
      heard = 0;
      writeFileSync(path, head.replace('instances: 3', 'instances: 5'));
      await source.read(never);
      expect(heard).toBe(0);
    },
  );
  test('hears of what changed between the last reading and its beginning', async () => {
    const { path, source } = await open();
    await source.read(never);
    writeFileSync(path, head.replace('instances: 3', 'instances: 4'));
    let heard = 0;
    const stop = source.watch(() => void heard++);
    await eventually('the change to be heard of', () => heard > 0, 1_500);
    stop();
  });
  test('hears nothing of the lease and the lock', async () => {
    const { source } = await open();
    await source.read(never);
    let heard = 0;
    let renewed = 0;
    const stops = [source.watch(() => void heard++), source.lease.watch(() => void renewed++)];
    await source.lease.write((await source.lease.read(never))!, never);
    await eventually('the lease to be heard of', () => renewed > 0, 1_500);
    expect(heard).toBe(0);
    for (const stop of stops) stop();
  });
});

test('warnings are told once for each text', async () => {
  const path = fileWith(`${head}  imageName: x\n`);
  const told: string[] = [];
  const source = await openFileSource(path, libc, {
    onWarnings: (warnings) => told.push(...warnings.map(({ text }) => text)),
  });
  await source.read(never);
  await source.read(never);
  expect(told).toEqual(['spec.imageName has no effect without Kubernetes']);
});
