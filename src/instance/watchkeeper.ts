import { readdir, readFile, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { DiskSpace, Observation } from '../alignment/observation.ts';
import { trackHangs, trackProgress } from '../alignment/trackers.ts';
import { parseControlFile } from '../postgres/control-file.ts';
import { formatLsn } from '../postgres/lsn.ts';
import { childrenOf, hangOf } from '../process/proc.ts';
import { now } from './deadline.ts';
import { recoveryStep } from './recovery-step.ts';

/** Milliseconds. A server that runs needs no closer look, and a manager that has nothing to do should not wake up for one. */
const beat = { usual: 1_000, running: 2_000 } as const;
const diskPeriod = 5_000;
const backlogPeriod = 30_000;
/** Until the server was asked (PostgreSQL's default). */
const defaultWalSegment = 16 * 1024 * 1024;

/**
 * The heartbeat of the supervising loop, and what is observed without asking the server: how far a recovery has
 * come, how much room there is.
 */
export class Watchkeeper {
  readonly #observation: Observation;
  readonly #dataDirectory: string;
  readonly #postmasterPid: () => number | undefined;
  readonly #isTurning: () => boolean;
  readonly #onBeat: () => void;
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  #diskAt = Number.NEGATIVE_INFINITY;
  #backlogAt = Number.NEGATIVE_INFINITY;
  #backlog = 0;

  /**
   * @param isTurning whether the loop gets on: a beat counts only then
   * @param onBeat called at every beat
   */
  constructor(
    observation: Observation,
    dataDirectory: string,
    postmasterPid: () => number | undefined,
    isTurning: () => boolean,
    onBeat: () => void,
  ) {
    this.#observation = observation;
    this.#dataDirectory = dataDirectory;
    this.#postmasterPid = postmasterPid;
    this.#isTurning = isTurning;
    this.#onBeat = onBeat;
  }

  start(): void {
    const period = this.#observation.phase === 'running' ? beat.running : beat.usual;
    this.#timer = setTimeout(() => {
      this.start();
      this.#beat();
    }, period);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** What is looked at depends on the phase, and how often. */
  phaseChanged(): void {
    if (this.#timer === undefined) return;
    this.stop();
    this.start();
    this.#beat();
  }

  #beat(): void {
    if (this.#isTurning()) this.#observation.loopBeatAt = now();
    this.#onBeat();
    // Apart from the other looks, which the same storage may hold up.
    if (this.#observation.phase === 'stopping') this.#lookForHangs();
    // One look at a time: a file system that hangs must not pile them up.
    if (this.#looking) return;
    this.#looking = true;
    void this.#look().finally(() => {
      this.#looking = false;
    });
  }

  #lookForHangs(): void {
    const postmaster = this.#postmasterPid();
    if (postmaster === undefined) return;
    const seen = new Map<number, string>();
    for (const pid of [postmaster, ...childrenOf(postmaster)]) {
      const hang = hangOf(pid);
      if (hang !== undefined) seen.set(pid, hang);
    }
    this.#observation.hangs = trackHangs(this.#observation.hangs, seen, now());
  }

  async #look(): Promise<void> {
    const { phase } = this.#observation;
    if (phase === 'starting') await this.#lookAtRecovery();
    const serves = phase === 'running' || phase === 'starting';
    if (serves && now() - this.#diskAt >= diskPeriod) await this.#lookAtDisk();
  }

  async #lookAtRecovery(): Promise<void> {
    const marker = `${await this.#redoPosition()} ${recoveryStep(this.#postmasterPid())}`.trim();
    this.#observation.progress = trackProgress(this.#observation.progress, marker, now());
  }

  async #redoPosition(): Promise<string> {
    try {
      const control = parseControlFile(await readFile(join(this.#dataDirectory, 'global', 'pg_control')));
      return control === undefined ? '' : `${formatLsn(control.redo)} (${control.clusterState})`;
    } catch {
      return '';
    }
  }

  async #lookAtDisk(): Promise<void> {
    this.#diskAt = now();
    try {
      const wal = await statfs(join(this.#dataDirectory, 'pg_wal'));
      const data = await statfs(this.#dataDirectory);
      if (now() - this.#backlogAt >= backlogPeriod) await this.#countBacklog();
      const before: DiskSpace | undefined = this.#observation.disk;
      this.#observation.disk = {
        walFree: wal.bavail * wal.bsize,
        dataFree: data.bavail * data.bsize,
        walSegment: before?.walSegment ?? defaultWalSegment,
        heldBySlots: before?.heldBySlots,
        archiveBacklog: this.#backlog,
      };
    } catch {
      // The directory is being made or taken away: the next look tells.
    }
  }

  async #countBacklog(): Promise<void> {
    this.#backlogAt = now();
    const names = await readdir(join(this.#dataDirectory, 'pg_wal', 'archive_status'));
    this.#backlog = names.filter((name) => name.endsWith('.ready')).length;
  }
}
