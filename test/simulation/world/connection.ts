import type { Server } from './server.ts';
import { isBeginningOf } from './wal.ts';
import type { World } from './world.ts';

/** wal_receiver_timeout and wal_sender_timeout, as the reference sets them: a silent connection ends after it. */
export const silenceTimeout = 5_000;

/** Streaming from one server to another: the walsender and the walreceiver of one standby. */
export class Connection {
  readonly source: Server;
  readonly standby: Server;
  readonly #world: World;
  isOpen = true;
  /** Up to where the standby has said that its WAL is on disk. */
  flushed: number;
  /** Last record that was sent and has not arrived yet. */
  onItsWay: number | undefined;
  #silentSince: number | undefined;

  constructor(world: World, source: Server, standby: Server) {
    this.#world = world;
    this.source = source;
    this.standby = standby;
    this.flushed = standby.directory.end!.lsn;
    if (!this.#isHeard()) this.suspect();
  }

  /** Sends what the source has and the standby has not; one packet is on its way at a time. */
  pump(): void {
    const { source, standby } = this;
    if (!this.isOpen || this.onItsWay !== undefined || !source.process.isRunning) return;
    if (source.directory.end!.lsn <= standby.directory.end!.lsn) return;
    const sent = source.directory.end!;
    this.onItsWay = sent.lsn;
    const life = standby.process.life;
    this.#world.timetable.after(this.#world.latency(), () => {
      if (!this.isOpen) return;
      if (!this.#world.network.isOpen(source.name, standby.name)) {
        this.onItsWay = undefined;
        return;
      }
      standby.process.deliver(life, () => {
        this.onItsWay = undefined;
        if (!this.isOpen) return;
        if (!isBeginningOf(standby.directory.end!, sent)) {
          this.#world.fail(
            'mixed WAL',
            `${standby.name} took WAL of ${source.name} that does not continue its own`,
          );
        }
        standby.receive(sent, source.directory.newestTimeline);
        this.#answer(sent.lsn);
        this.pump();
      });
    });
  }

  #answer(lsn: number): void {
    const { source, standby } = this;
    const life = source.process.life;
    this.#world.timetable.after(this.#world.latency(), () => {
      if (!this.isOpen || !this.#world.network.isOpen(source.name, standby.name)) return;
      source.process.deliver(life, () => {
        if (!this.isOpen) return;
        this.flushed = Math.max(this.flushed, lsn);
        source.noteFlush();
      });
    });
  }

  #isHeard(): boolean {
    const { source, standby } = this;
    return (
      source.process.isRunning &&
      standby.process.isRunning &&
      this.#world.network.isOpen(source.name, standby.name)
    );
  }

  /** Something may have silenced one end: if it stays like that, both give the connection up. */
  suspect(): void {
    if (!this.isOpen || this.#silentSince !== undefined || this.#isHeard()) return;
    const since = this.#world.timetable.now;
    this.#silentSince = since;
    this.#world.timetable.after(silenceTimeout, () => {
      if (this.isOpen && this.#silentSince === since) this.close();
    });
  }

  /** What silenced it may be over. */
  recover(): void {
    if (!this.isOpen || !this.#isHeard()) return;
    this.#silentSince = undefined;
    this.#answer(this.standby.directory.end!.lsn);
    this.pump();
  }

  /** Both ends know at once: that one of them learns it a little later changes nothing that matters here. */
  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.source.lose(this);
    this.standby.lose(this);
  }

  /** The source has ended: the standby learns it at once from its kernel, or by the silence. */
  sourceEnded(hasSaidSo: boolean): void {
    const { source, standby } = this;
    if (!hasSaidSo || !this.#world.network.isOpen(source.name, standby.name)) {
      this.suspect();
      return;
    }
    // What was sent before the end arrives before the end of the connection.
    const delay = this.#world.latency() + (this.onItsWay === undefined ? 0 : 1);
    const life = standby.process.life;
    this.#world.timetable.after(delay, () => standby.process.deliver(life, () => this.#closeWhenArrived()));
  }

  #closeWhenArrived(): void {
    if (
      this.isOpen &&
      this.onItsWay !== undefined &&
      this.#world.network.isOpen(this.source.name, this.standby.name)
    ) {
      const life = this.standby.process.life;
      this.#world.timetable.after(20, () =>
        this.standby.process.deliver(life, () => this.#closeWhenArrived()),
      );
      return;
    }
    this.close();
  }
}
