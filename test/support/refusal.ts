import { expect } from 'vitest';
import { Manager } from './manager.ts';

/** Starts a manager that must refuse, and tells the code it gave. */
export async function refusal(
  options: Parameters<typeof Manager.start>[0],
): Promise<{ code: unknown; exit: number | null; error: string }> {
  const manager = await Manager.start(options);
  const { code: exit } = await manager.ended();
  const line = await manager.line('a refusal with a code', (entry) => typeof entry.code === 'string');
  expect(line.remedy).not.toBe('');
  return { code: line.code, exit, error: String(line.error) };
}
