import { ensureControlPlane } from '../setup/control-plane.ts';
import { ControlPlane } from '../support/control-plane.ts';
import { node, program } from './support.ts';

/** The program of dist/, as images have it. */
export const manager = [node, program];

/** A real API server for as long as something is measured on it; what is made on it goes with it. */
export async function withControlPlane<T>(measure: (plane: ControlPlane) => Promise<T>): Promise<T> {
  const ends: Array<() => void | Promise<void>> = [];
  const plane = await ControlPlane.start(await ensureControlPlane(), (end) => void ends.push(end));
  try {
    await plane.applyCrds();
    return await measure(plane);
  } finally {
    for (const end of ends.reverse()) await end();
    await plane.destroy();
  }
}
