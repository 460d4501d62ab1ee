import type { Instance } from '../world/instance.ts';
import type { Server } from '../world/server.ts';
import type { World } from '../world/world.ts';
import type { Fault, FaultKind } from './schedule.ts';

/** Makes a fault happen; returns what ends it. */
type Begin = (world: World, victim: Instance, fault: Fault) => () => void;

const nothing = () => {};

/** A primary that never answers again is the lease's business; a standby in that state waits for a person. */
function lasts({ isLasting }: Fault, { role }: Server): boolean {
  return isLasting && role === 'primary';
}

/** How each kind of fault shows in the world. */
const beginnings: Readonly<Record<FaultKind, Begin>> = {
  'kill container': (_world, victim) => {
    victim.die(true);
    return () => victim.restart();
  },
  'lose machine': (_world, victim) => {
    victim.die(false);
    return () => victim.restart();
  },
  'kill manager': (_world, victim) => {
    victim.manager.die();
    return () => victim.restart();
  },
  'halt manager': (_world, { manager }, { isLasting }) => {
    const { life } = manager.process;
    if (isLasting) manager.process.haltInTheMiddle();
    else manager.process.halt();
    return () => {
      if (manager.process.life === life) manager.process.resume();
    };
  },
  'halt machine': (_world, victim) => {
    victim.halt();
    return () => victim.goOn();
  },
  'crash server': (_world, victim) => {
    victim.server?.end('crash');
    return nothing;
  },
  'kill postmaster': (_world, victim) => {
    victim.server?.losePostmaster();
    return nothing;
  },
  'hang postmaster': (_world, { server }, fault) => {
    if (server === undefined) return nothing;
    server.hang();
    return lasts(fault, server) ? nothing : () => server.goOn();
  },
  'freeze server': (world, { server, name, manager }, fault) => {
    if (server === undefined) return nothing;
    const isLasting = lasts(fault, server);
    server.process.halt();
    world.suspectConnections(name);
    return () => {
      if (isLasting || server.phase === 'ended') return;
      server.process.resume();
      world.recoverConnections(name);
      manager.serverNews();
    };
  },
  'slow machine': (_world, victim) => {
    victim.isSlow = true;
    return () => {
      victim.isSlow = false;
    };
  },
  'stall storage': (_world, victim) => {
    victim.isStorageStalled = true;
    return () => {
      victim.isStorageStalled = false;
    };
  },
  'fill disk': (_world, victim) => {
    victim.isDiskFull = true;
    victim.server?.end('crash');
    return () => {
      victim.isDiskFull = false;
    };
  },
  'cut store': cut((world, victim) => [[victim.name, world.store.name]]),
  'store outage': cut((world) => [
    ...world.instances.map(({ name }) => [name, world.store.name] as const),
    ['operator', 'store'],
  ]),
  'slow store': (world, _victim, { isLasting }) => {
    const trouble = isLasting ? { loss: 0.3, delay: 6_000 } : { loss: 0.15, delay: 1_500 };
    world.store.troubles.add(trouble);
    return () => {
      world.store.troubles.delete(trouble);
    };
  },
  'lose events': (world, { name }) => {
    world.store.deaf.add(name);
    return () => {
      world.store.deaf.delete(name);
    };
  },
  'stale reads': (world, { name }, { isLasting }) => {
    world.store.staleness.set(name, isLasting ? 15_000 : 3_000);
    return () => {
      world.store.staleness.delete(name);
    };
  },
  'cut pair': cut((world, { name }, { other }) => [[name, world.instances[other]!.name]]),
  'cut instance': cut((world, { name }) => [
    [name, 'store'],
    [name, 'operator'],
    ...world.instances.filter((one) => one.name !== name).map((one) => [name, one.name] as const),
  ]),
  'slow network': (world, _victim, { isLasting }) => {
    const slowness = { delay: isLasting ? 3_000 : 400 };
    world.slowness.add(slowness);
    return () => {
      world.slowness.delete(slowness);
    };
  },
  'cut operator': cut((_world, { name }) => [[name, 'operator']]),
  'old status': (world, { name }) => {
    world.operator.staleFor.add(name);
    return () => {
      world.operator.staleFor.delete(name);
    };
  },
  'halt operator': (world) => {
    world.operator.process.halt();
    return () => world.operator.process.resume();
  },
  'restart operator': (world) => {
    world.operator.process.kill();
    return () => world.operator.begin();
  },
  'switch over': (world, { name }) => {
    world.person.switchOver(name);
    return nothing;
  },
  fence: (world, { name }) => {
    world.person.fence(name, true);
    return () => world.person.fence(name, false);
  },
  terminate: (_world, { manager }) => {
    manager.quit();
    return nothing;
  },
  'remove WAL': (world) => {
    world.removeWal();
    return nothing;
  },
};

function cut(
  pairs: (world: World, victim: Instance, fault: Fault) => ReadonlyArray<readonly [string, string]>,
): Begin {
  return (world, victim, fault) => {
    const all = pairs(world, victim, fault);
    for (const [one, other] of all) world.network.cut(one, other);
    return () => {
      for (const [one, other] of all) world.network.mend(one, other);
    };
  };
}

/** Puts all faults of a schedule on the timetable. */
export function plan(world: World, faults: readonly Fault[]): void {
  for (const fault of faults) {
    world.timetable.at(fault.at, () => {
      const victim = world.instances[fault.victim]!;
      world.trace.note(world.timetable.now, '*', `${fault.kind} ${victim.name}`, {
        duration: fault.duration,
        isLasting: fault.isLasting,
      });
      const end = beginnings[fault.kind](world, victim, fault);
      world.timetable.after(fault.duration, () => {
        world.trace.note(world.timetable.now, '*', `end of ${fault.kind} ${victim.name}`);
        end();
      });
    });
  }
}
