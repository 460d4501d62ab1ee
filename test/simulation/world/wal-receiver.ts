import { Connection } from './connection.ts';
import type { Instance } from './instance.ts';
import type { Server } from './server.ts';
import { commonEnd, positionOf, timelineHistory } from './wal.ts';
import type { World } from './world.ts';

/** Why a walreceiver cannot go on (its message in the log of the standby). */
export type ReceiverTrouble = 'forked' | 'removed' | 'foreign';

/** How a standby comes to its WAL: it asks its source for it, again and again. */
export class WalReceiver {
  connection: Connection | undefined;
  readonly #world: World;
  readonly #instance: Instance;
  readonly #server: Server;
  #attempt = 0;

  constructor(world: World, instance: Instance, server: Server) {
    this.#world = world;
    this.#instance = instance;
    this.#server = server;
  }

  /** Its connection has ended. */
  lose(connection: Connection): void {
    if (this.connection !== connection) return;
    this.connection = undefined;
    if (this.#server.phase !== 'running') return;
    this.#retry();
    this.#instance.manager.serverNews();
  }

  /** The walreceiver tries again, at once after a change of primary_conninfo, else after a pause; the last wish counts. */
  connectLater(delay: number): void {
    this.#attempt += 1;
    const attempt = this.#attempt;
    this.#server.process.after(delay, () => {
      if (attempt === this.#attempt) this.#connect();
    });
  }

  #connect(): void {
    const server = this.#server;
    if (server.role !== 'standby' || server.phase !== 'running' || this.connection !== undefined) return;
    if (server.isPromoting || server.stopping !== undefined) return;
    const source = this.#world.serverOf(server.directory.source);
    if (source === undefined || source === server || !this.#isReachable(source)) {
      this.#retry();
      return;
    }
    const trouble = this.#troubleWith(source);
    if (trouble !== undefined) {
      this.#instance.manager.receiverRefused(trouble);
      this.#retry();
      return;
    }
    const connection = new Connection(this.#world, source, server);
    this.connection = connection;
    source.senders.push(connection);
    this.#world.trace.note(
      this.#world.timetable.now,
      server.name,
      `receives from ${source.name}`,
      positionOf(server.directory.end),
    );
    connection.recover();
    this.#instance.manager.serverNews();
  }

  /** A connection has ended, or did not come about. */
  #retry(): void {
    this.connectLater(this.#instance.random.between(1_000, 5_000));
  }

  #isReachable(source: Server): boolean {
    return source.letsIn && this.#world.network.isOpen(this.#server.name, source.name);
  }

  /** What the walsender says to a start of replication; it goes by the numbers of timelines only. */
  #troubleWith(source: Server): ReceiverTrouble | undefined {
    const own = this.#server.directory.end!;
    const other = source.directory.end!;
    if (own.branch.system !== other.branch.system) return 'foreign';
    const { timeline } = own.branch;
    if (timeline === other.branch.timeline) {
      if (own.lsn > other.lsn) return 'forked';
    } else {
      const left = timelineHistory(other.branch).find((entry) => entry.timeline === timeline);
      if (left === undefined || own.lsn > left.end) return 'forked';
    }
    if (own.lsn < source.directory.removedUpTo) return 'removed';
    if (commonEnd(own, other) < own.lsn) {
      this.#world.fail(
        'mixed WAL',
        `${this.#server.name} streams from ${source.name} by timeline ${timeline}, but forked before`,
      );
    }
    return undefined;
  }
}
