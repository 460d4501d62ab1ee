import { spawn } from 'node:child_process';
import { anonymousMemory, cpuSeconds, ended, identity, node, Place, type Row, spread } from './support.ts';

/** Milliseconds between two questions of the manager's monitor. */
const rhythm = 650;

/**
 * What a manager uses that has nothing to do but to be there. Beside it a bare Node that wakes up in the same rhythm and does
 * nothing: what a wake-up costs depends on the machine.
 */
export async function measureIdle(seconds: number): Promise<Row[]> {
  const place = await Place.make();
  try {
    place.initdb(place.data);
    const managed = place.startManaged();
    await place.untilAccepting(performance.now());
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    const memory: number[] = [];
    const sleeper = spawn(node, ['-e', `setInterval(() => {}, ${rhythm})`], { ...identity, stdio: 'ignore' });
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const before = cpuSeconds(managed.pid!);
    const bareBefore = cpuSeconds(sleeper.pid!);
    for (let second = 0; second < seconds; second += 1) {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      memory.push(anonymousMemory(managed.pid!) / 1024 / 1024);
    }
    const cpu = ((cpuSeconds(managed.pid!) - before) / seconds) * 100;
    const bareCpu = ((cpuSeconds(sleeper.pid!) - bareBefore) / seconds) * 100;
    sleeper.kill();
    managed.kill('SIGTERM');
    await ended(managed);
    const used = spread(memory);
    return [
      { name: 'idle, anonymous memory', manager: used, unit: 'MiB', target: '<= 35', met: used.median <= 35 },
      {
        name: `idle, CPU of one core (bare: Node with a timer of ${rhythm} ms)`,
        ...{ manager: spread([cpu]), bare: spread([bareCpu]), unit: '%', target: '< 0.2', met: cpu < 0.2 },
      },
    ];
  } finally {
    place.remove();
  }
}
