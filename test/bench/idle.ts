import { anonymousMemory, cpuSeconds, ended, Place, type Row, spread } from './support.ts';

/** What a manager uses that has nothing to do but to be there. */
export async function measureIdle(seconds: number): Promise<Row[]> {
  const place = await Place.make();
  try {
    place.initdb(place.data);
    const managed = place.startManaged();
    await place.untilAccepting(performance.now());
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    const memory: number[] = [];
    const before = cpuSeconds(managed.pid!);
    for (let second = 0; second < seconds; second += 1) {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      memory.push(anonymousMemory(managed.pid!) / 1024 / 1024);
    }
    const cpu = ((cpuSeconds(managed.pid!) - before) / seconds) * 100;
    managed.kill('SIGTERM');
    await ended(managed);
    const used = spread(memory);
    return [
      { name: 'idle, anonymous memory', manager: used, unit: 'MiB', target: '<= 35', met: used.median <= 35 },
      { name: 'idle, CPU of one core', manager: spread([cpu]), unit: '%', target: '< 0.2', met: cpu < 0.2 },
    ];
  } finally {
    place.remove();
  }
}
