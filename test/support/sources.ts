import { join } from 'node:path';

/** This clone. */
export const repository = join(import.meta.dirname, '..', '..');
/** The program as it stands in the sources, and the Node that runs it. */
export const node = join(repository, 'node_modules', 'node', 'bin', 'node');
export const program = join(repository, 'bin', 'manager.ts');

/** A line of its log. */
export type Line = Record<string, unknown> & { msg?: string; record?: Record<string, string> };
