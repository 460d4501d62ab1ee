import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type FileSource, openFileSource } from '../../../src/cluster/file-source.ts';
import { overviewOf } from '../../../src/cluster/overview.ts';
import { renderOverview } from '../../../src/commands/cluster-screen.ts';
import { openLibc } from '../../../src/process/libc.ts';
import { Command, run } from '../../support/command.ts';
import { temporaryDirectory } from '../../support/manager.ts';

const libc = openLibc();
const never = new AbortController().signal;
const text = `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: c # ours
spec:
  instances: 2
status:
  currentPrimary: c-1
  targetPrimary: c-1
  phase: Cluster in healthy state
  instanceNames: [c-1, c-2]
  instancesStatus: {healthy: [c-1, c-2]}
  instancesReportedState:
    c-1: {isPrimary: true, timeLineID: 1, ip: 127.0.0.1, port: 5433, phase: running, receivedLsn: 0/3000060}
    c-2: {isPrimary: false, timeLineID: 1, ip: 127.0.0.1, port: 5434, phase: running}
`;

function fileWith(content = text): string {
  const path = join(temporaryDirectory(), 'cluster.yaml');
  writeFileSync(path, content);
  return path;
}

/** What the manager of an instance reports. */
async function report(source: FileSource, name: string, state: object): Promise<void> {
  await source.updateStatus((status) => {
    const all = status.instancesReportedState ?? {};
    return { ...status, instancesReportedState: { ...all, [name]: { ...all[name]!, ...state } } };
  }, never);
}

describe('manager cluster promote', () => {
  test('makes the instance the target and tells what happens until it is the primary', async () => {
    const path = fileWith();
    const source = await openFileSource(path, libc);
    const command = new Command(path, 'promote', 'c-2');
    await command.says('c-2 is the target now, instead of c-1');
    const { status } = (await source.read(never)).cluster;
    expect(status).toMatchObject({
      targetPrimary: 'c-2',
      targetPrimaryTimestamp: expect.stringMatching(/^20..-..-..T..:..:..\.\d{6}Z$/) as string,
      phase: 'Switchover in progress',
      phaseReason: 'Switching over to c-2',
    });
    await command.says('target primary: c-1 -> c-2');
    await report(source, 'c-1', { phase: 'stopping' });
    await command.says('c-1 phase: running -> stopping');
    await source.updateStatus((before) => ({ ...before, currentPrimary: 'c-2' }), never);
    expect(await command.ended).toBe(0);
    expect(command.output).toMatch(/^ *\+\d+ ms {2}current primary: c-1 -> c-2$/m);
    expect(command.output).toMatch(/^c-2 to be the primary: done after \d+ ms$/m);
    expect(readFileSync(path, 'utf8')).toContain('name: c # ours');
  });
  test.each([
    ['c-3', 'UNKNOWN_INSTANCE', 'did you mean c-1?'],
    ['c-1', 'REQUEST_REFUSED', 'c-1 is the primary already'],
  ])('refuses %s', async (name, code, message) => {
    const path = fileWith();
    const { code: status, output } = await run(path, 'promote', name);
    expect(status).toBe(1);
    expect(output).toContain(`manager: ${code}: ${name}`);
    expect(output).toContain(message);
    expect(readFileSync(path, 'utf8')).toBe(text);
  });
  test('to one that does not stream only with --force', async () => {
    const path = fileWith(text.replace('healthy: [c-1, c-2]', 'healthy: [c-1], failed: [c-2]'));
    const { code, output } = await run(path, 'promote', 'c-2', '--no-wait');
    expect([code, output]).toEqual([1, expect.stringContaining('REQUEST_REFUSED: c-2 does not stream')]);
    expect((await run(path, 'promote', 'c-2', '--no-wait', '--force')).code).toBe(0);
  });
  test('gives up when another one is chosen meanwhile', async () => {
    const path = fileWith();
    const source = await openFileSource(path, libc);
    const command = new Command(path, 'promote', 'c-2');
    await command.says('target primary: c-1 -> c-2');
    await source.updateStatus((status) => ({ ...status, targetPrimary: 'c-1' }), never);
    expect(await command.ended).toBe(1);
    expect(command.output).toContain('CLUSTER_CONFLICT: c-1 has become the target instead of c-2');
  });
  test('says when it takes longer than it may', async () => {
    const { code, output } = await run(fileWith(), 'promote', 'c-2', '--timeout', '0.2');
    expect(code).toBe(1);
    expect(output).toContain('WAIT_TIMEOUT: waited 0.2 s for c-2 to be the primary');
  });
  test('need not wait', async () => {
    const { code, output } = await run(fileWith(), 'promote', 'c-2', '--no-wait');
    expect([code, output]).toEqual([0, 'c-2 is the target now, instead of c-1\n']);
  });
});

describe('manager cluster fence and unfence', () => {
  test('set the annotation and wait for the server', async () => {
    const path = fileWith();
    const source = await openFileSource(path, libc);
    const fencing = new Command(path, 'fence', 'c-2');
    await fencing.says('fenced: - -> c-2');
    expect((await source.read(never)).cluster.metadata.annotations).toEqual({
      'cnpg.io/fencedInstances': '["c-2"]',
    });
    await report(source, 'c-2', { phase: 'waiting' });
    expect(await fencing.ended).toBe(0);
    expect(fencing.output).toMatch(/c-2 to be down: done after/);
    expect(await run(path, 'promote', 'c-2')).toMatchObject({ code: 1 });

    const unfencing = new Command(path, 'unfence', 'c-2');
    await unfencing.says('fenced: c-2 -> -');
    await report(source, 'c-2', { phase: 'running' });
    expect(await unfencing.ended).toBe(0);
    expect((await source.read(never)).cluster.metadata.annotations).toEqual({
      'cnpg.io/fencedInstances': '[]',
    });
  });
  test('know all of them, and say when nothing was to be done', async () => {
    const path = fileWith();
    expect((await run(path, 'fence', '*', '--no-wait')).output).toBe('all instances are fenced\n');
    expect((await run(path, 'fence', 'c-1', '--no-wait')).output).toContain('nothing had to be changed');
    await run(path, 'unfence', 'c-1', '--no-wait');
    expect(readFileSync(path, 'utf8')).toContain(`cnpg.io/fencedInstances: '["c-2"]'`);
    expect(await run(path, 'fence', 'c-3', '--no-wait')).toMatchObject({
      code: 1,
      output: expect.stringContaining('UNKNOWN_INSTANCE') as string,
    });
  });
});

test('manager cluster reclone asks for a new copy and waits until it runs', async () => {
  const path = fileWith();
  const source = await openFileSource(path, libc);
  expect(await run(path, 'reclone', 'c-1')).toMatchObject({ code: 1 });
  const command = new Command(path, 'reclone', 'c-2');
  await command.says('c-2 is asked to put its data aside');
  const { recloneRequests } = (await source.read(never)).cluster.status!;
  expect(Object.keys(recloneRequests!)).toEqual(['c-2']);
  await report(source, 'c-2', { phase: 'joining' });
  await command.says('c-2 phase: running -> joining');
  await report(source, 'c-2', { phase: 'running' });
  expect(await command.ended).toBe(0);
});

describe('manager cluster status', () => {
  test('is JSON for programs, and makes nothing that is not there', async () => {
    const path = fileWith();
    const { code, output } = await run(path, 'status');
    expect(code).toBe(0);
    expect(JSON.parse(output)).toMatchObject({ name: 'c', currentPrimary: 'c-1', instances: [{}, {}] });
    expect([existsSync(`${path}.lease`), existsSync(`${path}.lock`)]).toEqual([false, false]);
    expect(readFileSync(path, 'utf8')).toBe(text);
  });
  test('is a table for people', async () => {
    const path = fileWith(
      text.replace('name: c # ours', `name: c\n  annotations: {cnpg.io/fencedInstances: '["c-2"]'}`),
    );
    const source = await openFileSource(path, libc);
    const free = (await source.lease.read(never))!;
    const renewTime = '2026-01-02T03:04:05.000000Z';
    await source.lease.write(
      { ...free, holder: 'c-1', durationSeconds: 15, renewTime, transitions: 2 },
      never,
    );
    const lease = await source.lease.read(never);
    const reading = { ...(await source.read(never)), resourceVersion: '0-x' };
    expect(renderOverview(overviewOf(reading, lease, Date.parse(renewTime) + 1_234))).toBe(
      `Cluster:  c (version 0-x)
Phase:    Cluster in healthy state
Primary:  c-1
Lease:    c-1, renewed 1.2 s ago, good for 15 s, claimed 2 times so far

Instance  Role     Condition  Timeline  Phase    LSN        Endpoint        Notes
c-1       primary  healthy    1         running  0/3000060  127.0.0.1:5433
c-2       standby  healthy    1         running  -          127.0.0.1:5434  fenced
`,
    );
    expect((await run(path, 'status', '--output', 'text')).output).toContain('c-2       standby');
  });
  test('says why an instance does nothing of what it shall do', async () => {
    const refusal = `phase: waiting, refusal: {goal: follow, why: 'its WAL: foreign'}}`;
    const path = fileWith(text.replace('5434, phase: running}', `5434, ${refusal}`));
    const { code, output } = await run(path, 'status', '--output', 'text');
    expect(code).toBe(0);
    expect(output).toMatch(/^c-2 .* waiting .* refused$/m);
    expect(output).toMatch(/\n\nc-2 is refused, goal follow: its WAL: foreign\n$/);
    expect(JSON.parse((await run(path, 'status')).output)).toMatchObject({
      instances: [{}, { refusal: { goal: 'follow', why: 'its WAL: foreign' } }],
    });
  });
  test('of a Cluster that has not begun', async () => {
    const { output } = await run(
      fileWith(text.slice(0, text.indexOf('status:'))),
      'status',
      '--output',
      'text',
    );
    expect(output).toContain(
      'Primary:  none yet\nLease:    none\n\nNo instance has registered itself yet.\n',
    );
  });
  test('of a file with a mistake says where it is', async () => {
    const { code, output } = await run(fileWith(text.replace('instances: 2', 'instances: two')), 'status');
    expect(code).toBe(1);
    expect(output).toMatch(/BAD_CLUSTER_FILE: .*cluster\.yaml:6:14: spec\.instances must be/);
  });
});
