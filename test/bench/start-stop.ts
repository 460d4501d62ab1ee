import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ended, Place, type Row, spread } from './support.ts';

/** Start on an existing directory, first boot, and stop: each in turns with the bare server. */
export async function measureStartAndStop(runs: number): Promise<Row[]> {
  const place = await Place.make();
  const times = {
    start: [] as number[],
    bareStart: [] as number[],
    stop: [] as number[],
    bareStop: [] as number[],
  };
  const first = { boot: [] as number[], bareBoot: [] as number[] };
  try {
    place.initdb(place.data);
    place.initdb(place.bareData);
    await managed(place, [], []);
    for (let run = 0; run < runs; run += 1) {
      await managed(place, times.start, times.stop);
      await bare(place, times.bareStart, times.bareStop);
    }
    for (let run = 0; run < runs; run += 1) {
      rmSync(place.data, { recursive: true });
      await managed(place, first.boot, [], () => started(place));
      rmSync(place.bareData, { recursive: true });
      const since = performance.now();
      place.initdb(place.bareData);
      await bare(place, first.bareBoot, [], since);
    }
  } finally {
    place.remove();
  }
  const row = (name: string, own: number[], other: number[], extra: number): Row => {
    const [manager, alone] = [spread(own), spread(other)];
    return {
      name,
      manager,
      bare: alone,
      unit: 'ms',
      target: `<= bare + ${extra} ms`,
      met: manager.median <= alone.median + extra,
    };
  };
  return [
    row('exec to first accepted connection', times.start, times.bareStart, 80),
    row('first boot with initdb', first.boot, first.bareBoot, 150),
    row('TERM to exit, idle', times.stop, times.bareStop, 30),
  ];
}

async function managed(
  place: Place,
  starts: number[],
  stops: number[],
  before?: () => Promise<void>,
): Promise<void> {
  const since = performance.now();
  const child = place.startManaged();
  await before?.();
  starts.push(await place.untilAccepting(since));
  // A stop while the manager still gets to know its server would measure something else.
  await settled(place);
  const asked = performance.now();
  child.kill('SIGTERM');
  await ended(child);
  stops.push(performance.now() - asked);
}

async function bare(
  place: Place,
  starts: number[],
  stops: number[],
  since = performance.now(),
): Promise<void> {
  const child = place.startBare();
  starts.push(await place.untilAccepting(since));
  await new Promise((resolve) => setTimeout(resolve, 300));
  const asked = performance.now();
  child.kill('SIGINT');
  await ended(child);
  stops.push(performance.now() - asked);
}

/** Who asks for a session all the time takes processor time from initdb, which nobody does while it runs by itself. */
async function started(place: Place): Promise<void> {
  while (!existsSync(join(place.data, 'postmaster.pid')))
    await new Promise((resolve) => setTimeout(resolve, 5));
}

async function settled(place: Place): Promise<void> {
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${place.statusPort}/readyz`).catch(() => undefined);
    if (answer?.status === 200) break;
  }
  await new Promise((resolve) => setTimeout(resolve, 300));
}
