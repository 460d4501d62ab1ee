import type { Cluster } from '../cluster/cluster.ts';
import { type FileSource, openFileSource } from '../cluster/file-source.ts';
import { follow } from '../cluster/follow.ts';
import type { ClusterStatus } from '../cluster/status.ts';
import { openLibc } from '../process/libc.ts';
import type { ClusterOptions, RequestOptions } from './cluster-options.ts';

/** Milliseconds that a change of the file may take. */
const patience = 30_000;

/** Opens the Cluster of a command, which makes nothing that is not there. */
export function openCluster({ clusterFile }: ClusterOptions): Promise<FileSource> {
  return openFileSource(clusterFile, openLibc(), { mayCreate: false });
}

/**
 * Writes a request into the status of the Cluster.
 *
 * @param request the status with it, by the Cluster as it stands; it is asked again on a conflict, and throws when it is refused
 * @returns where it was written, and the Cluster before it
 */
export async function writeRequest(
  options: ClusterOptions,
  request: (cluster: Cluster) => ClusterStatus,
): Promise<Pick<Request, 'source' | 'before'>> {
  const source = await openCluster(options);
  const { cluster } = await source.read(soon());
  let before = cluster;
  await source.updateStatus((status) => {
    before = { ...cluster, status };
    return request(before);
  }, soon());
  return { source, before };
}

/** A deadline for one reading or change of the Cluster. */
export function soon(): AbortSignal {
  return AbortSignal.timeout(patience);
}

export interface Request {
  readonly source: FileSource;
  /** The Cluster before the request. */
  readonly before: Cluster;
  /** What was written, for people. */
  readonly said: string;
  readonly isDone: (cluster: Cluster) => boolean;
  /** What is waited for. */
  readonly what: string;
}

/**
 * Says what was asked for, then every change until it has come about, with the milliseconds since.
 *
 * @throws WAIT_TIMEOUT, what `isDone` throws
 */
export async function followRequest(request: Request, options: RequestOptions): Promise<void> {
  const { source, before, said, isDone, what } = request;
  const began = performance.now();
  const since = () => Math.round(performance.now() - began);
  process.stdout.write(`${said}\n`);
  if (!options.wait) return;
  const tell = (lines: readonly string[]) => {
    const time = `+${since()} ms`.padStart(10);
    for (const line of lines) process.stdout.write(`${time}  ${line}\n`);
  };
  await follow(source, { from: before, isDone, tell, timeout: options.timeout * 1_000, what });
  process.stdout.write(`${what}: done after ${since()} ms\n`);
}
