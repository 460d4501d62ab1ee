import pg from 'pg';
import {
  askBare,
  barePair,
  bareServer,
  conninfo,
  followBare,
  startBare,
  stopBare,
  tool,
  untilBare,
  untilCaughtUp,
} from './bare-pair.ts';
import { ClusterPlace, type Member } from './cluster-place.ts';
import { Place, type Row, spread } from './support.ts';

/** One client that writes all the time, to whichever of two servers takes it. */
class Writer {
  longestGap = 0;
  #isOver = false;
  readonly #done: Promise<void>;

  constructor(servers: ReadonlyArray<{ readonly host: string; readonly port: number }>) {
    this.#done = this.#write(servers);
  }

  async stop(): Promise<number> {
    this.#isOver = true;
    await this.#done;
    return this.longestGap;
  }

  async #write(servers: ReadonlyArray<{ readonly host: string; readonly port: number }>): Promise<void> {
    let acknowledged = performance.now();
    while (!this.#isOver) {
      for (const { host, port } of servers) {
        const client = new pg.Client({ host, port, user: 'postgres', database: 'postgres' });
        client.on('error', () => {});
        try {
          await client.connect();
          while (!this.#isOver) {
            await client.query('INSERT INTO written VALUES (1)');
            const now = performance.now();
            this.longestGap = Math.max(this.longestGap, now - acknowledged);
            acknowledged = now;
          }
        } catch {
          // The other one, then; a server that is stopping or in recovery refuses.
        }
        void client.end().catch(() => {});
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

/** Promotion and planned switchover, each in turns with a pair of servers that a script of pg_ctl looks after. */
export async function measureSwitchover(runs: number): Promise<Row[]> {
  const times = {
    promote: [] as number[],
    barePromote: [] as number[],
    gap: [] as number[],
    bareGap: [] as number[],
  };
  const cluster = await ClusterPlace.make(2);
  const place = await Place.make();
  try {
    const [first, second] = [await bareServer(place.home, 'a'), await bareServer(place.home, 'b')];
    const pair = await barePair(first, second);
    await askBare(first, 'CREATE TABLE written (id int)');
    let bare = {
      old: first,
      oldProcess: pair.primaryProcess,
      next: second,
      nextProcess: pair.standbyProcess,
    };
    await cluster.startAll();
    let [old, next] = [cluster.members[0]!, cluster.members[1]!];
    await cluster.query(old, 'CREATE TABLE written (id int)');
    for (let run = 0; run < runs * 2; run += 1) {
      const isWriting = run % 2 === 1;
      await cluster.untilStreaming(old, 1);
      if (isWriting) times.gap.push(await managedGap(cluster, old, next));
      else times.promote.push(await managedPromotion(cluster, next));
      [old, next] = [next, old];
      await untilCaughtUp(bare.old);
      bare = await bareSwitchover(bare, isWriting ? times.bareGap : [], isWriting ? [] : times.barePromote);
    }
    await stopBare(bare.nextProcess);
    await stopBare(bare.oldProcess);
  } finally {
    await cluster.remove();
    place.remove();
  }
  const [promote, barePromote] = [spread(times.promote), spread(times.barePromote)];
  const [gap, bareGap] = [spread(times.gap), spread(times.bareGap)];
  return [
    {
      name: 'target changed to new primary writable',
      manager: promote,
      bare: barePromote,
      unit: 'ms',
      target: '<= bare pg_ctl promote + 150 ms',
      met: promote.median <= barePromote.median + 150,
    },
    {
      name: 'planned switchover, write gap of a client',
      manager: gap,
      bare: bareGap,
      unit: 'ms',
      target: '<= 1500 ms and 2 x bare stop + promote',
      met: gap.median <= 1500 && gap.median <= 2 * bareGap.median,
    },
  ];
}

async function managedPromotion(cluster: ClusterPlace, next: Member): Promise<number> {
  const since = performance.now();
  cluster.setTarget(next);
  return cluster.untilWritable(next, since);
}

async function managedGap(cluster: ClusterPlace, old: Member, next: Member): Promise<number> {
  const writer = new Writer([old, next].map(({ port }) => ({ host: '127.0.0.1', port })));
  await new Promise((resolve) => setTimeout(resolve, 500));
  cluster.setTarget(next);
  await cluster.untilWritable(next, performance.now());
  await new Promise((resolve) => setTimeout(resolve, 500));
  return writer.stop();
}

type BarePair = Awaited<ReturnType<typeof bareState>>;
function bareState(
  old: Awaited<ReturnType<typeof bareServer>>,
  next: Awaited<ReturnType<typeof bareServer>>,
  oldProcess: ReturnType<typeof startBare>,
  nextProcess: ReturnType<typeof startBare>,
) {
  return { old, next, oldProcess, nextProcess };
}

/** Fast stop, pg_ctl promote, and the old one back as a standby; what is measured is taken down in one of the two lists. */
async function bareSwitchover(
  { old, next, oldProcess, nextProcess }: BarePair,
  gaps: number[],
  promotions: number[],
): Promise<BarePair> {
  const writer = new Writer([old, next].map(({ port }) => ({ host: '127.0.0.1', port })));
  await new Promise((resolve) => setTimeout(resolve, 500));
  await stopBare(oldProcess);
  const since = performance.now();
  tool('pg_ctl', 'promote', '-D', next.data, '-w');
  await untilBare(next, 'SELECT NOT pg_is_in_recovery()');
  promotions.push(performance.now() - since);
  await new Promise((resolve) => setTimeout(resolve, 500));
  gaps.push(await writer.stop());
  followBare(old, conninfo(next));
  const process = startBare(old);
  await untilBare(old, 'SELECT pg_is_in_recovery()');
  return bareState(next, old, nextProcess, process);
}
