import { expect, test } from 'vitest';
import { Cluster, hasReplication } from '../support/cluster.ts';
import { runManager } from '../support/manager.ts';

test.runIf(hasReplication)(
  'an instance that waits says for what, since when, and what went wrong',
  async () => {
    const cluster = await Cluster.make();
    await cluster.editStatus(() => ({ currentPrimary: 'demo-1', targetPrimary: 'demo-1' }));
    const manager = await cluster.startOne('demo-2');
    const waiting = /^join: waiting for the next attempt \(nobody has said where the primary listens\)$/;
    const expected = {
      phase: 'waiting',
      alignment: {
        state: 'empty',
        goal: 'follow',
        why: expect.stringMatching(waiting),
        isRefused: false,
        seconds: expect.any(Number),
      },
      failures: [
        { step: 'join', attempts: expect.any(Number), error: 'nobody has said where the primary listens' },
      ],
    };
    // The next attempts come after growing pauses, and each shows for a moment.
    const settled = (look: () => Promise<unknown>) =>
      cluster.eventually('the reason', async () => {
        const seen = await look();
        return JSON.stringify(seen ?? '').includes('waiting for the next attempt') ? seen : undefined;
      });

    await cluster.eventually('the status server', async () => (await manager.get('/healthz')).code === 200);
    expect(await settled(() => manager.json('/readyz?format=json'))).toMatchObject({
      ok: false,
      manager: expected,
    });
    expect(await settled(() => manager.json('/pg/status?format=json'))).toMatchObject({
      error: expect.stringMatching(/^no server: the instance is waiting; empty, goal follow: join: waiting/),
      manager: { ...expected, ready: false },
    });
    // The operator reads a text, and that it is not a 200 (contract 02, 6.1).
    const plain = await manager.get('/pg/status');
    expect(plain).toMatchObject({ code: 500, body: expect.stringMatching(/^no server: .*\n$/) });

    const command = ['instance', 'status', '--status-port', String(manager.statusPort)];
    await settled(async () => {
      const { code, stdout } = runManager(command);
      expect(code).toBe(1);
      return JSON.parse(stdout);
    });
    const screen = await settled(async () => runManager([...command, '--output', 'text']).stdout);
    expect(screen).toMatch(/Phase: +waiting[\s\S]*State: +empty\nGoal: +follow\nWhy: +join: waiting/);
    expect(screen).toMatch(/Failed: +join, \d+ times, last: nobody has said where the primary listens/);
  },
);

test.runIf(hasReplication)('one that does what it shall says so as well', async () => {
  const cluster = await Cluster.make();
  const manager = await cluster.startOne('demo-1');
  await cluster.leads('demo-1');
  const status = await cluster.eventually('the status of a primary', async () => {
    const body = await manager.json('/pg/status');
    return (body.manager as { alignment: { goal: string } }).alignment.goal === 'reign' ? body : undefined;
  });
  expect(status).toMatchObject({
    isPrimary: true,
    manager: {
      phase: 'running',
      alignment: { state: 'primary serving', goal: 'reign', why: 'as it shall be' },
      failures: [],
    },
  });
  const screen = runManager([
    'instance',
    'status',
    '--status-port',
    String(manager.statusPort),
    '--output',
    'text',
  ]);
  expect(screen.stdout).toMatch(/Role: +primary[\s\S]*Goal: +reign\nWhy: +as it shall be/);
});
