import type { SynchronousNames } from './data-directory.ts';
import type { Instance } from './instance.ts';
import type { Server } from './server.ts';
import { walEnd } from './wal.ts';
import type { World } from './world.ts';

/** What the clients of a primary write, and what they are told of it. */
export class Commits {
  /** `synchronous_standby_names` as this server has read it. */
  synchronous: SynchronousNames | undefined;
  readonly #world: World;
  readonly #instance: Instance;
  readonly #server: Server;
  /** Commits that wait for a standby begin after this record. */
  #acknowledged: number;

  constructor(world: World, instance: Instance, server: Server) {
    this.#world = world;
    this.#instance = instance;
    this.#server = server;
    const { synchronous, end } = server.directory;
    this.synchronous = synchronous;
    this.#acknowledged = end!.lsn;
  }

  /** Everything up to here is nobody's commit, such as what comes before a promotion. */
  beginAfter(lsn: number): void {
    this.#acknowledged = lsn;
  }

  /** Goes on writing for as long as clients may. */
  writeLater(): void {
    const server = this.#server;
    server.process.after(this.#instance.random.between(...this.#world.writePause), () => {
      if (server.role !== 'primary' || server.phase !== 'running' || !server.hasSessions) return;
      if (server.takesWrites) this.#write();
      this.writeLater();
    });
  }

  #write(): void {
    const { directory } = this.#server;
    const end = directory.end!;
    // Clients that wait for their commits do not send more.
    if (this.synchronous !== undefined && end.lsn - this.#acknowledged > 40) return;
    directory.end = { branch: end.branch, lsn: end.lsn + 1 };
    if (this.synchronous === undefined) this.#acknowledge(end.lsn + 1, false);
    this.#server.ship();
  }

  /** A standby has told how far it is: commits that waited for it are acknowledged. */
  noteFlush(): void {
    const { hasSessions, role, directory } = this.#server;
    const reached = hasSessions && role === 'primary' ? this.reachedSynchronously() : undefined;
    if (reached !== undefined && reached > this.#acknowledged) {
      this.#acknowledge(Math.min(reached, directory.end!.lsn), true);
    }
  }

  /** Up to where enough synchronous standbys have the WAL; undefined: there are not enough, or none are waited for. */
  reachedSynchronously(): number | undefined {
    if (this.synchronous === undefined) return undefined;
    const { names, number, method } = this.synchronous;
    const connected = this.#server.senders.filter((sender) => names.includes(sender.standby.name));
    if (connected.length < number) return undefined;
    if (method === 'first') {
      connected.sort((one, other) => names.indexOf(one.standby.name) - names.indexOf(other.standby.name));
      return Math.min(...connected.slice(0, number).map((sender) => sender.flushed));
    }
    const flushed = connected.map((sender) => sender.flushed).sort((one, other) => other - one);
    return flushed[number - 1];
  }

  #acknowledge(lsn: number, isSynchronous: boolean): void {
    this.#acknowledged = lsn;
    const server = this.#server;
    this.#world.ledger.acknowledge(server, isSynchronous, walEnd(server.directory.end!.branch, lsn));
  }
}
