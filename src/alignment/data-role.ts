import type { DataRole, InstanceFacts } from './facts.ts';

/**
 * What an instance counts as. Without a server that is what its files say. Beside one they may have become unreadable, or
 * have been taken away, while the server takes writes as before: it counts as a primary unless it is known to be a standby,
 * so that it keeps its lease, and is stopped when that is over.
 */
export function roleOf({ data, server, role, isPromoting }: RoleFacts): DataRole {
  if (server === 'down') return data;
  if (data === 'primary' || role === 'primary' || isPromoting === true) return 'primary';
  return data === 'standby' || role === 'standby' ? 'standby' : 'primary';
}

/**
 * What a server was started with it is at least, whatever has become of its files since.
 *
 * @param startedWith undefined: there is no server, or nothing is known of its start
 * @param files what they say now
 */
export function dataBeside(startedWith: 'primary' | 'standby' | undefined, files: DataRole): DataRole {
  if (startedWith === undefined || files === 'primary') return files;
  return startedWith === 'primary' || files !== 'standby' ? startedWith : files;
}

export type RoleFacts = Pick<InstanceFacts, 'data' | 'server' | 'role' | 'isPromoting'>;

/** Whoever might be a primary does not promise another one not to be it. */
export function mightBePrimary(data: DataRole): boolean {
  return data === 'primary' || data === 'unclear';
}
