import { quoteIdentifier } from './literals.ts';

/** Which standbys a commit waits for. */
export interface SynchronousStandbys {
  readonly method: 'ANY' | 'FIRST';
  readonly number: number;
  /** In order of preference, which FIRST goes by; never empty. */
  readonly standbyNames: readonly string[];
}

/** Value of synchronous_standby_names (contract 04, 8). */
export function renderSynchronousStandbyNames({ method, number, standbyNames }: SynchronousStandbys): string {
  return `${method} ${number} (${standbyNames.map(quoteIdentifier).join(',')})`;
}

/** Name of the setting with which a server tells which of these rules it has loaded. */
export const synchronousMetadataSetting = 'cnpg.synchronous_standby_names_metadata';

/** Value of that setting (contract 04, 4.4.3): JSON with its keys in this order. */
export function synchronousMetadata({ method, number, standbyNames }: SynchronousStandbys): string {
  return JSON.stringify({ method, number, standbyNames });
}

/**
 * Reads the metadata that a running server has loaded (contract 04, 8.3). Whatever is no such metadata, and a setting
 * that is empty or was never there, is none: an instance that says too little is not failed over, one that says too much
 * may lose commits.
 */
export function parseSynchronousMetadata(text: string | null | undefined): SynchronousStandbys | undefined {
  let data: unknown;
  try {
    data = JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
  if (typeof data !== 'object' || data === null) return undefined;
  const { method, number, standbyNames } = data as Record<string, unknown>;
  if (method !== 'ANY' && method !== 'FIRST') return undefined;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 1) return undefined;
  if (!Array.isArray(standbyNames) || standbyNames.length === 0) return undefined;
  if (!standbyNames.every((name) => typeof name === 'string')) return undefined;
  return { method, number, standbyNames };
}
