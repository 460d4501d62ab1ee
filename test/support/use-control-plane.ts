import { beforeAll, inject, onTestFinished } from 'vitest';
import { component } from './component.ts';
import { ControlPlane } from './control-plane.ts';

const programs = inject('controlPlane');

/** Whether tests that need an API server can run; why not is told. */
export const hasControlPlane = component(
  `a control plane${programs.available ? '' : ` (${programs.reason})`}`,
  () => programs.available,
);

/** A control plane from before the first test of this block or file until after the last. */
export function useControlPlane(): () => ControlPlane {
  let plane: ControlPlane | undefined;
  beforeAll(async () => {
    plane = await ControlPlane.start(programs, onTestFinished);
    return () => plane?.destroy();
  });
  return () => {
    if (plane === undefined) throw new Error('the control plane has not started');
    return plane;
  };
}
