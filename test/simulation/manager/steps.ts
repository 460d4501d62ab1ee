import type { StepName } from '../../../src/alignment/step-name.ts';
import type { Kinship } from '../../../src/postgres/kinship.ts';
import { emptyDirectory, walPast } from '../world/data-directory.ts';
import type { Server } from '../world/server.ts';
import { walEnd } from '../world/wal.ts';
import type { Manager } from './manager.ts';

/** Tells the loop how a step came out: without a text, well. */
type Done = (error?: string) => void;

export type WorkStep = Exclude<StepName, `stop ${string}`>;

/** One step. It asks before every change whether it is still the one that runs, as an AbortSignal would tell it. */
export type Step = (manager: Manager, done: Done, isWanted: () => boolean) => void;

/** Why a step could not even begin. */
export const primaryIsAway = 'the primary cannot be reached';

/** Milliseconds that a connection is given to answer. */
const connectPatience = 10_000;

/** What the steps of src/instance/steps do, as far as roles and data depend on it. */
export const steps: Readonly<Record<WorkStep, Step>> = {
  initialise(manager, done, isWanted) {
    const { instance, world } = manager;
    manager.later(500, 2_000, () => {
      if (!isWanted()) return;
      world.initialised(instance);
      done();
    });
  },

  join(manager, done, isWanted) {
    const { instance, world } = manager;
    const source = reachablePrimary(manager);
    if (source === undefined) {
      manager.later(5, 500, () => done(primaryIsAway));
      return;
    }
    const { life } = source.process;
    manager.later(800, 6_000, () =>
      waitForSource(manager, source, life, connectPatience, (isThere) => {
        if (!isWanted()) return;
        if (!isThere) done('the copy has been interrupted');
        else {
          world.promises.overwrites(instance, 'join');
          Object.assign(instance.directory, copyOf(source), {
            isStandby: true,
            isTorn: false,
            source: source.name,
          });
          done();
        }
      }),
    );
  },

  start(manager, done, isWanted) {
    const { instance, rules, findings } = manager;
    const { directory } = instance;
    const begin = () => {
      if (!isWanted()) return;
      if (directory.isStandby) manager.settleReplication();
      directory.synchronous = manager.wantedNames();
      findings.trouble = undefined;
      const start = () => {
        if (!directory.isStandby) findings.kinship = undefined;
        manager.startServer();
        done();
      };
      if (directory.isStandby) start();
      else manager.asPrimary(rules.checksLeaseBeforeActing, start, done);
    };
    const { currentPrimary, targetPrimary } = manager.view.latest ?? {};
    const isToFollow = directory.isStandby && currentPrimary === targetPrimary;
    manager.later(2, 40, () => {
      const source = isToFollow ? reachablePrimary(manager) : undefined;
      // A primary that does not answer must not keep a standby from serving reads.
      if (source === undefined) begin();
      else {
        const kinship = kinshipTo(manager, source);
        if (kinship === 'straight') manager.later(2, 40, begin);
        else {
          findings.kinship = kinship;
          done();
        }
      }
    });
  },

  promote(manager, done, isWanted) {
    const { rules } = manager;
    const begin = () => {
      manager.findings.isPromoting = true;
      manager.findings.kinship = undefined;
      manager.server?.promote();
      waitForPromotion(manager, done, isWanted);
    };
    manager.asPrimary(rules.checksLeaseBeforeActing, begin, done);
  },

  announce(manager, done) {
    const { name, world, rules, server } = manager;
    manager.view.update(
      ({ targetPrimary, currentPrimary }) => {
        if (targetPrimary !== name || currentPrimary === name) return undefined;
        const isHeld = rules.isHeld({ lease: manager.keeper.facts }, manager.process.clock());
        if (
          rules.checksLeaseBeforeAnnouncing &&
          (!isHeld || server === undefined || manager.server !== server)
        )
          return undefined;
        world.promises.announcing(manager.instance);
        return { currentPrimary: name };
      },
      (isDone) => {
        if (isDone && server !== undefined) world.promises.announceEnded(server);
        done(isDone ? undefined : 'the Cluster cannot be reached');
      },
      () => world.promises.announced(manager.instance),
    );
  },

  compare(manager, done, isWanted) {
    const source = reachablePrimary(manager);
    manager.later(10, 300, () => {
      if (!isWanted()) return;
      const now = reachablePrimary(manager);
      if (source === undefined || now !== source) done(primaryIsAway);
      else {
        manager.findings.kinship = kinshipTo(manager, source);
        manager.findings.trouble = undefined;
        done();
      }
    });
  },

  rewind(manager, done, isWanted) {
    const { instance, world } = manager;
    const { directory } = instance;
    const source = reachablePrimary(manager);
    if (source === undefined) {
      manager.later(5, 500, () => done(primaryIsAway));
      return;
    }
    const { life } = source.process;
    manager.later(100, 500, () => {
      if (!isWanted()) return;
      // pg_rewind goes by the control file of the source: promoted and without a checkpoint, it is still on the old timeline.
      const seesNothing = source.directory.checkpointTimeline === directory.end!.branch.timeline;
      if (!seesNothing) world.promises.overwrites(instance, 'rewind');
      directory.isTorn = true;
      directory.isMixed = !seesNothing;
      manager.later(500, 5_000, () =>
        waitForSource(manager, source, life, connectPatience, (isThere) => {
          // What has begun to write is not called off.
          if (!isThere) done('the rewind has been interrupted');
          else {
            if (!seesNothing) Object.assign(directory, copyOf(source));
            Object.assign(directory, { isStandby: true, isTorn: false, isMixed: false });
            manager.settleReplication();
            manager.findings.kinship = undefined;
            done();
          }
        }),
      );
    });
  },

  'turn standby'(manager, done) {
    manager.later(2, 30, () => {
      manager.settleReplication();
      manager.instance.directory.isStandby = true;
      manager.findings.kinship = undefined;
      done();
    });
  },

  'set aside'(manager, done) {
    manager.later(5, 50, () => {
      manager.world.promises.overwrites(manager.instance, 'setting aside');
      Object.assign(manager.instance.directory, emptyDirectory());
      done();
    });
  },

  'point to the primary'(manager, done) {
    manager.later(2, 30, () => {
      manager.settleReplication();
      manager.findings.trouble = undefined;
      manager.findings.kinship = undefined;
      manager.server?.reconnect();
      done();
    });
  },
};

function kinshipTo({ rules, instance, seesServer }: Manager, { directory }: Server): Kinship['kind'] {
  return rules.kinshipOf(walPast(instance.directory, seesServer), walPast(directory, true)).kind;
}

/** The server of the instance that the Cluster names as the primary, when a connection to it can be had. */
function reachablePrimary({ name, world, view }: Manager): Server | undefined {
  const primary = view.latest?.currentPrimary ?? '';
  const server = world.serverOf(primary);
  if (server === undefined || primary === name) return undefined;
  return server.letsIn && world.network.isOpen(name, primary) ? server : undefined;
}

/** A copy needs its source to its end; one that is silent for long is given up. */
function waitForSource(
  manager: Manager,
  source: Server,
  life: number,
  patience: number,
  then: (isThere: boolean) => void,
): void {
  const { world, name } = manager;
  if (source.process.life !== life || !source.process.isAlive || patience <= 0) then(false);
  else if (source.process.isRunning && world.network.isOpen(name, source.name)) then(true);
  else manager.later(500, 1_500, () => waitForSource(manager, source, life, patience - 1_000, then));
}

/** All of the source's WAL, as far as it is on disk at this moment. */
function copyOf(source: Server) {
  const { end, newestTimeline, removedUpTo, synchronous, checkpointTimeline } = source.directory;
  return {
    end: walEnd(end!.branch, end!.lsn),
    newestTimeline,
    removedUpTo,
    synchronous,
    checkpointTimeline,
    isShutDown: true,
  };
}

function waitForPromotion(manager: Manager, done: Done, isWanted: () => boolean): void {
  const { server } = manager;
  if (!isWanted()) return;
  if (server === undefined || !manager.seesServer) done('the server ended while it was promoted');
  else if (server.role === 'primary' && server.isAnswering) {
    manager.monitor.changed();
    server.checkpoint(() => {});
    manager.later(10, 500, () => done());
  } else manager.later(5, 30, () => waitForPromotion(manager, done, isWanted));
}
