import type { ErrorCode } from '../errors/catalogue.ts';

/** Present from before initdb until the first boot is complete: while it exists nobody was ever served. */
export const unfinishedMarker = '.init-unfinished';
/** Present while a copy of the primary is being made: what stands beside it is only a copy, and incomplete. */
export const joinMarker = '.join-unfinished';
/** Where pg_basebackup works, inside PGDATA for the same reasons as initdb. */
export const joinDirectory = '.join-staging';
/**
 * Present while a rewind is under way. It is a FIFO, since pg_rewind removes every plain file, directory and link that the
 * source does not have, and passes over everything else.
 */
export const tornMarker = '.rewind-unfinished';
/** Left by a promotion after which the server wrote to the timeline of before: nobody can tell its WAL from the old primary's. */
export const oldTimelineMarker = '.promoted-in-place';
/** Present while the data is put aside for a new copy: what is not here any more stands beside PGDATA. Its text is the request. */
export const keepMarker = '.reclone-unfinished';
/** With this file a server starts as a standby (PostgreSQL manual, 26.2). */
export const standbySignal = 'standby.signal';
/** Where initdb works, inside PGDATA: always the same file system, and PGDATA may be a mount point. */
export const stagingDirectory = '.init-staging';
/** Beginning of the names under which the remains of interrupted initialisations are kept. */
export const abortedPrefix = '.aborted-init-';
/** How many remains may lie about before the manager stops making more of them. */
export const maxAborted = 3;

/** What was seen of PGDATA, without changing it. */
export interface DataDirectoryFacts {
  readonly path: string;
  readonly kind: 'missing' | 'directory' | 'not a directory' | 'unreadable';
  /** System error text when `kind` is unreadable. */
  readonly problem: string | undefined;
  readonly entries: readonly string[];
  /** -1 when even that cannot be seen. */
  readonly ownerUid: number;
  /** Permission bits. */
  readonly mode: number;
  /** First line of PG_VERSION, when the file exists. */
  readonly version: string | undefined;
  readonly hasControlFile: boolean;
  /** Other places in which older images kept PGDATA and a PG_VERSION was found. */
  readonly elsewhere: readonly string[];
}

/** What is to be done with PGDATA. */
export type DataDirectoryVerdict =
  | { readonly state: 'initialise' }
  /** An earlier initialisation was interrupted: its remains are moved aside, then `initialise`. */
  | { readonly state: 'set aside'; readonly entries: readonly string[] }
  /** A copy of the primary was interrupted: it holds nothing that the primary has not, and is removed. */
  | { readonly state: 'discard copy'; readonly entries: readonly string[] }
  /** The data was being put aside, as a person had asked: the rest follows. */
  | { readonly state: 'keep rest' }
  | { readonly state: 'start'; readonly major: number }
  | { readonly state: 'refuse'; readonly code: ErrorCode; readonly reason: string };

/** Whether the server refuses a directory of this mode: others may write or read it (PG_MODE_MASK_GROUP). */
export const isTooOpen = (mode: number): boolean => (mode & 0o027) !== 0;

/** What stands in a data directory, without what may lie about in an empty one. */
export function contentOf(entries: readonly string[]): string[] {
  return entries.filter((name) => name !== 'lost+found' && !name.startsWith(abortedPrefix));
}

const refuse = (code: ErrorCode, reason: string): DataDirectoryVerdict => ({ state: 'refuse', code, reason });

/**
 * Decides what may be done with PGDATA. Nothing that could hold somebody's data is ever judged to be removable:
 * the only thing that is moved (never deleted) is an initialisation that carries our own marker.
 *
 * @param euid user the server will run as
 * @param serverMajor major version of the server's programs
 */
export function judgeDataDirectory(
  facts: DataDirectoryFacts,
  euid: number,
  serverMajor: number,
): DataDirectoryVerdict {
  const { path } = facts;
  const isForeign = facts.ownerUid >= 0 && facts.ownerUid !== euid;
  // That it cannot be read as well follows from it.
  if ((facts.kind === 'directory' || facts.kind === 'unreadable') && isForeign) {
    return refuse(
      'PGDATA_OWNER',
      `${path} belongs to user ${facts.ownerUid}, the server would run as ${euid}`,
    );
  }
  if (facts.kind === 'unreadable') return refuse('PGDATA_UNREADABLE', `${path}: ${facts.problem}`);
  if (facts.kind === 'not a directory') return refuse('PGDATA_NOT_EMPTY', `${path} is not a directory`);
  if (facts.kind === 'missing') return emptyVerdict(facts);

  const aborted = facts.entries.filter((name) => name.startsWith(abortedPrefix));
  const content = contentOf(facts.entries);
  if (content.length === 0) return emptyVerdict(facts);
  if (content.includes(keepMarker)) return { state: 'keep rest' };
  if (content.includes(joinMarker)) return { state: 'discard copy', entries: content };
  if (content.includes(unfinishedMarker) || content.includes(stagingDirectory)) {
    if (aborted.length >= maxAborted) {
      return refuse('INIT_ABORTED_TOO_OFTEN', `${path} holds ${aborted.length} interrupted initialisations`);
    }
    return { state: 'set aside', entries: content };
  }
  if (facts.version === undefined) return withoutVersion(facts, content);
  return withVersion(facts, facts.version, serverMajor);
}

function emptyVerdict(facts: DataDirectoryFacts): DataDirectoryVerdict {
  const [other] = facts.elsewhere;
  if (other === undefined) return { state: 'initialise' };
  return refuse('PGDATA_ELSEWHERE', `${facts.path} holds no database, but ${other} does`);
}

function withoutVersion(facts: DataDirectoryFacts, content: readonly string[]): DataDirectoryVerdict {
  const parts = ['base', 'global', 'pg_wal', 'pg_xact', 'postgresql.conf'].filter((name) =>
    content.includes(name),
  );
  if (facts.hasControlFile || parts.length >= 2) {
    return refuse('PGDATA_INCOMPLETE', `${facts.path} has ${parts.join(', ')} but no PG_VERSION`);
  }
  const some = content.slice(0, 5).join(', ');
  return refuse(
    'PGDATA_NOT_EMPTY',
    `${facts.path} holds ${some}${content.length > 5 ? ', …' : ''} and no PG_VERSION`,
  );
}

function withVersion(facts: DataDirectoryFacts, version: string, serverMajor: number): DataDirectoryVerdict {
  if (!/^\d+(\.\d+)?$/.test(version)) {
    return refuse('PGDATA_INCOMPLETE', `${facts.path}/PG_VERSION does not hold a version`);
  }
  const major = Number.parseInt(version, 10);
  if (!facts.hasControlFile) return refuse('PGDATA_INCOMPLETE', `${facts.path} has no global/pg_control`);
  if (version !== String(serverMajor)) {
    return refuse(
      'PGDATA_OTHER_MAJOR',
      `${facts.path} is of PostgreSQL ${version}, the server is ${serverMajor}`,
    );
  }
  return { state: 'start', major };
}
