import { spawn } from 'node:child_process';
import { anonymousMemory, cpuSeconds, ended, identity, node, Place, type Row, spread } from './support.ts';

/** Milliseconds between two questions of the manager's monitor. */
const rhythm = 650;

/**
 * What a manager uses that has nothing to do but to be there. Beside it a bare Node that wakes up in the same rhythm and does
 * nothing: what a wake-up costs depends on the machine.
 *
 * @param windows how often the processor's time is taken
 * @param seconds of one window
 */
export async function measureIdle(windows: number, seconds: number): Promise<Row[]> {
  const place = await Place.make();
  try {
    place.initdb(place.data);
    const managed = place.startManaged();
    await place.untilAccepting(performance.now());
    await pause(10_000);
    const sleeper = spawn(node, ['-e', `setInterval(() => {}, ${rhythm})`], { ...identity, stdio: 'ignore' });
    await pause(2_000);
    const [memory, cpu, bareCpu]: [number[], number[], number[]] = [[], [], []];
    for (let window = 0; window < windows; window += 1) {
      const [before, bareBefore] = [cpuSeconds(managed.pid!), cpuSeconds(sleeper.pid!)];
      for (let second = 0; second < seconds; second += 1) {
        await pause(1_000);
        memory.push(anonymousMemory(managed.pid!) / 1024 / 1024);
      }
      cpu.push(((cpuSeconds(managed.pid!) - before) / seconds) * 100);
      bareCpu.push(((cpuSeconds(sleeper.pid!) - bareBefore) / seconds) * 100);
    }
    sleeper.kill();
    managed.kill('SIGTERM');
    await ended(managed);
    const [room, used] = [spread(memory), spread(cpu)];
    return [
      { name: 'idle, anonymous memory', manager: room, unit: 'MiB', target: '<= 35', met: room.median <= 35 },
      {
        name: `idle, CPU of one core (bare: Node with a timer of ${rhythm} ms)`,
        ...{ manager: used, bare: spread(bareCpu), unit: '%', target: '< 0.2', met: used.median < 0.2 },
      },
    ];
  } finally {
    place.remove();
  }
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
