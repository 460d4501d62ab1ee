import { type ChildProcess, spawn } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { signalProcess } from '../../src/process/proc.ts';
import { Cluster, hasReplication } from '../support/cluster.ts';

/** A session that computes, and looks at nothing by which it could notice the death of its postmaster, until this file is there. */
const signalFile = 'may-commit';
const work = `
DO $$ BEGIN
  LOOP EXIT WHEN (pg_stat_file('${signalFile}', true)).size IS NOT NULL; END LOOP;
  INSERT INTO late VALUES (1);
END $$`;

/** Begins the session on demo-1. @returns the way to let it commit, which tells what became of it */
async function beginWork(cluster: Cluster): Promise<() => Promise<'acknowledged' | 'broken'>> {
  await cluster.query('demo-1', 'CREATE TABLE late (number int)');
  await cluster.caughtUp('demo-1');
  const client = cluster.client('demo-1');
  await client.connect();
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  onTestFinished(() => void signalProcess(rows[0]!.pid, 'SIGKILL'));
  const outcome = client.query(work).then(
    () => 'acknowledged' as const,
    () => 'broken' as const,
  );
  const isAtWork = `SELECT count(*)::int FROM pg_stat_activity WHERE pid = ${rows[0]!.pid} AND state = 'active'`;
  await cluster.eventually('the session to be at work', async () => {
    return (await cluster.ask('demo-1', isAtWork)) === 1;
  });
  return () => {
    writeFileSync(join(cluster.dataOf('demo-1'), signalFile), '');
    return outcome;
  };
}

/** What a person may have open there: a shell that stands in the directory, and has it open as the server has. */
function standBy(cluster: Cluster): ChildProcess {
  const directory = cluster.dataOf('demo-1');
  const { uid, gid } = statSync(directory);
  const script = 'exec 3<.; read -r _';
  const shell = spawn('bash', ['-c', script], {
    cwd: directory,
    uid,
    gid,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  onTestFinished(() => void shell.kill('SIGKILL'));
  return shell;
}

/** Another one leads, the session can commit no more, and what is not the server's goes on. */
async function expectNothingLate(
  cluster: Cluster,
  commit: Awaited<ReturnType<typeof beginWork>>,
  shell: ChildProcess,
): Promise<void> {
  const chosen = await cluster.failOver('demo-1');
  await cluster.leads(chosen);
  expect(await commit()).toBe('broken');
  expect([shell.exitCode, shell.signalCode]).toEqual([null, null]);
  expect(await cluster.query(chosen, 'SELECT count(*)::int FROM late')).toBe(0);
}

test.runIf(hasReplication)('sessions of a killed postmaster end before another one leads', async () => {
  const cluster = await Cluster.start();
  const commit = await beginWork(cluster);
  const shell = standBy(cluster);
  process.kill(cluster.of('demo-1').postmasterPid!, 'SIGKILL');
  await expectNothingLate(cluster, commit, shell);
  // What is left of it does not keep the directory from being used again: by the same manager, when it has heard of the choice
  // before it saw the end of its server, or else by the next one.
  const manager = cluster.of('demo-1');
  await cluster.eventually('demo-1 to be back', async () => {
    const hasEnded = manager.child.exitCode !== null && cluster.of('demo-1') === manager;
    if (hasEnded) await cluster.startOne('demo-1');
    return (await cluster.ask('demo-1', 'SELECT pg_is_in_recovery()')) === true;
  });
  await cluster.healthy();
});

test.runIf(hasReplication)('so they do when the manager is halted: the watchdog ends them', async () => {
  const cluster = await Cluster.start();
  const commit = await beginWork(cluster);
  const shell = standBy(cluster);
  cluster.of('demo-1').signal('SIGSTOP');
  process.kill(cluster.of('demo-1').postmasterPid!, 'SIGKILL');
  await expectNothingLate(cluster, commit, shell);
});
