import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parseControlFile } from '../../src/postgres/control-file.ts';
import { eventually, isServerOf, Manager } from '../support/manager.ts';

interface Health {
  readonly reasons: ReadonlyArray<{ readonly code: string; readonly text: string }>;
}

const clock = join(import.meta.dirname, '..', 'fixtures', 'clock-forward-on-usr2.ts');
/** Small segments, so that there are many of them. */
const env = { POSTGRES_INITDB_ARGS: '--wal-segsize=1', NODE_OPTIONS: `--import ${clock}` };
const server = ['-c', 'max_wal_size=1GB', '-c', 'checkpoint_timeout=1h', '-c', 'fsync=off'];
const segments = 200;
/** Milliseconds. */
const patience = 60_000;

/** The process that replays, held wherever the test wants it. */
class Replay {
  readonly #pid: number;

  private constructor(pid: number) {
    this.#pid = pid;
    process.kill(pid, 'SIGSTOP');
    onTestFinished(() => {
      if (this.segment !== undefined) this.goOn();
    });
  }

  static async begun(manager: Manager): Promise<Replay> {
    const postmaster = await eventually('the server', () => {
      const pid = manager.postmasterPid;
      return pid !== undefined && isServerOf(pid, manager.dataDirectory) ? pid : undefined;
    });
    return new Replay(await eventually('the replay', () => childrenOf(postmaster).find(segmentOf)));
  }

  /** The segment that its title names. */
  get segment(): string | undefined {
    return segmentOf(this.#pid);
  }

  goOn(): void {
    process.kill(this.#pid, 'SIGCONT');
  }

  /** Lets it go on to the next segment, without a turn of the loop in which it could run to the end. */
  step(): string | undefined {
    const before = this.segment;
    const end = Date.now() + patience;
    this.goOn();
    while (this.segment === before) if (Date.now() > end) throw new Error('waited 60 s for another segment');
    process.kill(this.#pid, 'SIGSTOP');
    return this.segment;
  }
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
}

function segmentOf(pid: number): string | undefined {
  try {
    return /startup recovering ([0-9A-F]{24})/.exec(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

/** A server that was killed with a lot of WAL behind its last checkpoint. */
async function crashed(): Promise<Manager> {
  const manager = await (await Manager.start({ env, server })).ready();
  const session = await manager.connect();
  await session.query('CREATE TABLE filler(text text)');
  while (readdirSync(join(manager.dataDirectory, 'pg_wal')).length < segments)
    await session.query(
      `INSERT INTO filler SELECT repeat(md5(i::text), 30) FROM generate_series(1, 5000) AS i`,
    );
  await session.query('CREATE TABLE last_before_the_crash()');
  process.kill(manager.postmasterPid!, 'SIGKILL');
  await manager.ended();
  return manager;
}

test('a long crash recovery is judged by its progress, not by the clock', async () => {
  const { home, dataDirectory } = await crashed();
  const redo = () => parseControlFile(readFileSync(join(dataDirectory, 'global', 'pg_control')))?.redo;
  const atTheCrash = redo();
  const manager = await Manager.start({ home, env, server });
  const replay = await Replay.begun(manager);
  const starts = () =>
    eventually('a start that goes well', async () => (await manager.get('/startupz')).code === 200);
  // The clock jumps until what replay has come to is seen, and has not moved for too long.
  const stands = (at: string | undefined) =>
    eventually(`a start that stands at ${at}`, async () => {
      manager.signal('SIGUSR2');
      const { reasons } = (await manager.json('/startupz?format=json')) as unknown as Health;
      return reasons.find(({ text }) => text.includes(`recovering ${at}`));
    });

  await starts();
  for (let round = 0; round < 3; round += 1) {
    const segment = replay.step();
    await starts();
    const { code, text } = await stands(segment);
    expect(code).toBe('NO_PROGRESS');
    expect(text).toMatch(
      /^recovery has not moved for \d+\.\d s at 0\/[0-9A-F]+ \(in crash recovery\) recovering /,
    );
    expect((await manager.get('/readyz')).code).toBe(500);
  }
  expect(redo()).toBe(atTheCrash);

  replay.goOn();
  await manager.ready();
  expect(await manager.query(`SELECT to_regclass('last_before_the_crash') IS NOT NULL`)).toBe(true);
  expect((await manager.stop()).code).toBe(0);
});

test('TERM while crash recovery runs is an ordered stop, and the next start goes on from there', async () => {
  const { home } = await crashed();
  const manager = await Manager.start({ home, env, server });
  const replay = await Replay.begun(manager);
  // Whether it takes connections yet it says by itself: it is asked seldom, since it logs each question as FATAL.
  const turnedAway = () => manager.lines.filter(({ record }) => record?.sql_state_code === '57P03');
  await eventually('two questions', () => turnedAway().length >= 2);
  const [first, second] = turnedAway().map(({ ts }) => Date.parse(String(ts)));
  expect(second! - first!).toBeGreaterThan(4_000);
  manager.signal('SIGTERM');
  const stop = await manager.line('the stop', (line) => line.msg === 'stopping the server');
  expect(stop).toMatchObject({ mode: 'fast' });
  replay.goOn();
  expect(await manager.ended()).toEqual({ code: 0, signal: null });
  expect(manager.clusterState).toBe('shut down in recovery');
  expect(manager.lines.some((line) => line.mode === 'immediate')).toBe(false);
  const next = await (await Manager.start({ home, env, server })).ready();
  expect(await next.query(`SELECT to_regclass('last_before_the_crash') IS NOT NULL`)).toBe(true);
});
